package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"harness/space"
)

// maxConfigLine bounds one line of `space check`: longer ones are refused, and the
// lines after them are still checked.
const maxConfigLine = 1 << 20

func (a *app) spaceCheck(c *cli.Context, l *space.Lattice, _ time.Duration) error {
	bad, err := a.checkLines(os.Stdin, l, c.Bool("repair"))
	if err != nil {
		return err
	}
	if bad > 0 {
		return &exitError{status: exitFailed}
	}
	return nil
}

// A block is some whole lines on their way from the reader through one worker to
// the writer, who waits for them in the order in which they were read.
type block struct {
	lines []byte
	first int // number of its first line
	done  chan checked
}

type checked struct {
	verdicts []byte
	faults   []string
}

// checkLines checks every line of in and returns how many were no configs. Lines
// are answered as they come: a block is what one read brought.
func (a *app) checkLines(in io.Reader, l *space.Lattice, repairs bool) (bad int, err error) {
	workers := runtime.GOMAXPROCS(0)
	work, order := make(chan block), make(chan block, 2*workers)
	free := make(chan []byte, workers) // buffers of verdicts that are written
	group, ctx := errgroup.WithContext(a.ctx)
	group.Go(func() error {
		defer close(work)
		defer close(order)
		return readBlocks(in, func(b block) error {
			for _, to := range []chan block{order, work} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range workers {
		group.Go(func() error {
			checker := l.Checker()
			checker.Repairs = repairs
			for b := range work {
				var room []byte
				select {
				case room = <-free:
				default:
				}
				b.done <- checkBlock(b, checker, room[:0])
			}
			return nil
		})
	}
	group.Go(func() error {
		for b := range order {
			var c checked
			select {
			case c = <-b.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			for _, fault := range c.faults {
				fmt.Fprintf(a.stderr, "harness: %s\n", fault)
			}
			bad += len(c.faults)
			if _, err := a.stdout.Write(c.verdicts); err != nil {
				return err
			}
			select {
			case free <- c.verdicts:
			default:
			}
		}
		return nil
	})
	return bad, group.Wait()
}

// readBlocks gives all lines of in to send. A line that is too long comes cut.
func readBlocks(in io.Reader, send func(block) error) error {
	const size = 1 << 17
	var rest []byte // the begin of a line
	for line := 1; ; {
		buffer := make([]byte, len(rest)+size)
		copy(buffer, rest)
		n, err := in.Read(buffer[len(rest):])
		data := buffer[:len(rest)+n]
		end := bytes.LastIndexByte(data, '\n') + 1
		if err == io.EOF {
			end = len(data)
		}
		if end > 0 {
			b := block{data[:end:end], line, make(chan checked, 1)}
			if err := send(b); err != nil {
				return err
			}
			line += bytes.Count(data[:end], []byte{'\n'})
		}
		rest = data[end:]
		if len(rest) > maxConfigLine+1 { // enough to tell that it is too long
			rest = rest[:maxConfigLine+1]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("stdin: %w", err)
		}
	}
}

// checkBlock answers every line of b that is not empty, in verdicts.
func checkBlock(b block, checker *space.Checker, verdicts []byte) checked {
	c := checked{verdicts: verdicts}
	n := b.first
	for line := range bytes.Lines(b.lines) {
		text := bytes.TrimSpace(line)
		var err error
		switch {
		case len(text) == 0:
			n++
			continue
		case len(text) > maxConfigLine:
			err = fmt.Errorf("longer than %d bytes", maxConfigLine)
		default:
			c.verdicts, err = checker.AppendCheck(c.verdicts, text)
		}
		if err != nil {
			fault := fmt.Sprintf("line %d: %v", n, err)
			c.faults = append(c.faults, fault)
			verdict, _ := json.Marshal(space.Verdict{Reasons: []space.Reason{{Rule: "input", Class: space.Domain, Message: fault}}}) // strings never fail
			c.verdicts = append(c.verdicts, verdict...)
		}
		c.verdicts = append(c.verdicts, '\n')
		n++
	}
	return c
}
