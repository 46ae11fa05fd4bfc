package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
	"harness/results/report"
)

// reportName is the page's name in its study.
const reportName = "report.html"

func (a *app) reportCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "report",
		Usage: "write a study's page: one HTML file that needs no network",
		Flags: []cli.Flag{
			studyFlag,
			&cli.StringFlag{Name: "out", Usage: "write to this `FILE`, or - for stdout; by default " + reportName + " in the study"},
			&cli.BoolFlag{Name: "serve", Usage: "show the page on loopback instead, and renew it while the study runs; Ctrl-C ends it"},
			&cli.IntFlag{Name: "port", Usage: "of --serve; 0 is any free one"},
		},
		Action: a.report,
	}, false)
}

func (a *app) report(c *cli.Context) error {
	s, err := a.openStudy(c)
	if err != nil {
		return err
	}
	if c.Bool("serve") {
		if c.IsSet("out") {
			return usagef("--serve shows the page and --out writes it: give one of them")
		}
		return a.serveReport(s, c.Int("port"))
	}
	if c.IsSet("port") {
		return usagef("--port is of --serve, which is not given")
	}
	page, err := pageOf(s)
	if err != nil {
		return err
	}
	switch out := c.String("out"); out {
	case "-":
		return page.HTML(a.stdout)
	case "":
		out = filepath.Join(s.Store.Dir, reportName)
		fallthrough
	default:
		if err := writePage(page, out); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, out)
	}
	return nil
}

// writePage replaces the file at once, so that a browser never sees half of it.
func writePage(page report.Page, path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return fmt.Errorf("report: %w: name a file that can be written with --out", err)
	}
	defer os.Remove(f.Name())
	err = page.HTML(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// printReport writes the page of a study that was just measured, and says where. A page
// that cannot be written loses nothing, so it is a warning.
func (a *app) printReport(out io.Writer, s *study.Study) {
	page, err := pageOf(s)
	path := filepath.Join(s.Store.Dir, reportName)
	if err == nil {
		err = writePage(page, path)
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "warning: %v\n", err)
		return
	}
	fmt.Fprintf(out, "Report   %s\n", path)
}
