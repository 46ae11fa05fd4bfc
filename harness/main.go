// Command harness finds the fastest valid way to serve a language model on given
// GPUs.
//
//	harness sweep  --device-num 8    enumerate, prune, sample a seed set, benchmark it
//	harness refine                   continue: what a model of the measurements expects most of
//	harness front                    the Pareto table of a study
//	harness report                   its page, as one HTML file
//	harness bench  --url U           the load generator alone
//
// Results go to stdout, progress to stderr. Exit status: 0 done, 1 failed, 2 usage,
// 3 finished with failed trials, 4 an SLO was missed, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// Exit statuses.
const (
	exitFailed       = 1
	exitUsage        = 2
	exitFailedTrials = 3
	exitInterrupted  = 130
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	abort, cancelAbort := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if s := <-signals; s == os.Interrupt {
			fmt.Fprintln(os.Stderr, "\nharness: interrupted: ending in order; once more ends at once")
		}
		cancel()
		<-signals
		cancelAbort()
		<-signals
		os.Exit(exitInterrupted)
	}()
	a := app{ctx: ctx, abort: abort, stdout: os.Stdout, stderr: os.Stderr, terminal: term.IsTerminal(int(os.Stderr.Fd()))}
	os.Exit(a.run(os.Args))
}

// app is one call of the command.
type app struct {
	ctx      context.Context // ends at the first interruption: finish in order
	abort    context.Context // ends at the second: at once
	stdout   io.Writer
	stderr   io.Writer
	terminal bool   // stderr is one
	plain    bool   // --plain: lines, as on a pipe
	program  string // how the user called it, for the commands that are proposed
}

// An exitError ends the command with a status. A nil err says nothing more.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// run executes the command line and returns the exit status.
func (a *app) run(args []string) int {
	a.program = args[0]
	err := a.cli().RunContext(a.ctx, args)
	if err == nil {
		return 0
	}
	status := exitFailed
	var ee *exitError
	if errors.As(err, &ee) {
		if status = ee.status; ee.err == nil {
			return status
		}
	}
	if errors.Is(err, context.Canceled) && a.ctx.Err() != nil {
		return exitInterrupted
	}
	fmt.Fprintf(a.stderr, "harness: %v\n", err)
	if status == exitUsage {
		fmt.Fprintln(a.stderr, "harness: see `harness help`, or --help after a command")
	}
	return status
}

func (a *app) cli() *cli.App {
	return &cli.App{
		Name:                      "harness",
		Usage:                     "find the fastest valid way to serve a language model on given GPUs",
		Writer:                    a.stdout,
		ErrWriter:                 a.stderr,
		HideVersion:               true,
		EnableBashCompletion:      true,
		Suggest:                   true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("unknown command %q. %s", c.Args().First(), cli.SuggestCommand(c.App.Commands, c.Args().First()))
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			a.sweepCommand(), a.refineCommand(), a.frontCommand(), a.reportCommand(), a.exportCommand(), a.studyCommand(), a.packCommand(), a.benchCommand(), a.spaceCommand(), a.replayCommand(), a.gpuCommand(), a.doctorCommand(), a.completionCommand(), a.simCommand(), a.guardCommand(),
		},
	}
}

// command completes a leaf command: bad flags are usage errors, and arguments, which
// no command takes unless it says so, are refused. (cli takes every flag after an
// argument for an argument, without a word.)
func command(c *cli.Command, takesArgs bool) *cli.Command {
	c.OnUsageError = onUsageError
	if len(c.Flags) > 0 && !c.SkipFlagParsing && !c.Hidden {
		c.Flags = append(slices.Clip(c.Flags), fileFlag)
	}
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		if err := readFlagFile(ctx); err != nil {
			return err
		}
		if !takesArgs && ctx.Args().Present() {
			return usagef("%s takes no argument, and %q is one: values follow their flag", ctx.Command.FullName(), ctx.Args().First())
		}
		return action(ctx)
	}
	return c
}

// wanted is what a flag takes, in words.
func wanted(flags []cli.Flag, name string) string {
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		switch f.(type) {
		case *cli.DurationFlag:
			return "a time with its unit, such as 30s or 5m"
		case *cli.IntFlag, *cli.Int64Flag, *cli.IntSliceFlag:
			return "a whole number"
		case *cli.UintFlag, *cli.Uint64Flag:
			return "a whole number that is not negative"
		case *cli.Float64Flag:
			return "a number"
		case *cli.BoolFlag:
			return "nothing behind it, or =true or =false"
		}
	}
	return "another value"
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok && c.Command != nil {
		err = fmt.Errorf("unknown flag --%s: did you mean %s?", name, cli.SuggestFlag(c.Command.Flags, name, true))
	}
	var value, flag string
	if n, _ := fmt.Sscanf(err.Error(), "invalid value %q for flag -%s", &value, &flag); n == 2 && c.Command != nil {
		err = fmt.Errorf("--%s %q: write %s", strings.TrimSuffix(flag, ":"), value, wanted(c.Command.Flags, strings.TrimSuffix(flag, ":")))
	}
	return &exitError{exitUsage, err}
}
