package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
	"harness/results"
	"harness/results/report"
)

func (a *app) studyCommand() *cli.Command {
	return &cli.Command{
		Name:  "study",
		Usage: "list studies, show one, compare two",
		Subcommands: []*cli.Command{
			command(&cli.Command{
				Name: "list", Usage: "the studies of a folder, the newest first",
				Flags:  []cli.Flag{&cli.StringFlag{Name: "root", Usage: "the `DIR` that holds them", Value: studiesRoot}, jsonFlag},
				Action: a.studyList,
			}, false),
			command(&cli.Command{
				Name: "show", Usage: "what a study asks, how it measures, and how far it is",
				Flags:  []cli.Flag{studyFlag, jsonFlag},
				Action: a.studyShow,
			}, false),
			command(&cli.Command{
				Name: "compare", Usage: "what changed from study A to study B: two engines' versions, machines or days", ArgsUsage: "A B",
				Description: "Configs that both measured at the same load are paired; what is told is B's value over A's, with an interval.",
				Flags:       []cli.Flag{jsonFlag},
				Action:      a.studyCompare,
			}, true),
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("unknown command study %q: there are list, show and compare", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

// studyJSON is a study in `harness study list` and show.
type studyJSON struct {
	Dir           string         `json:"dir"`
	ID            string         `json:"id"`
	Created       time.Time      `json:"created"`
	Engine        string         `json:"engine"`
	EngineVersion string         `json:"engine_version"`
	Model         string         `json:"model"`
	Simulated     bool           `json:"simulated"`
	Space         string         `json:"space"`
	Valid         string         `json:"valid"`
	Trials        int            `json:"trials"`
	Configs       int            `json:"configs"`
	Failed        map[string]int `json:"failed"`
	Damaged       int            `json:"damaged"`
	Points        int            `json:"points"` // on the front
	HV            *float64       `json:"hv"`
	Bytes         int64          `json:"bytes"` // on disk
	Method        []methodJSON   `json:"method,omitempty"`
}

type methodJSON struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (a *app) studyList(c *cli.Context) error {
	found, err := study.List(c.String("root"))
	if err != nil {
		return err
	}
	list := []studyJSON{}
	for _, l := range found {
		s, err := summaryOf(l.Dir)
		if err != nil {
			fmt.Fprintf(a.stderr, "warning: %v\n", err)
			continue
		}
		list = append(list, s)
	}
	if c.Bool("json") {
		return a.printJSON(list)
	}
	if len(list) == 0 {
		fmt.Fprintf(a.stdout, "No study in %s: begin one with `%s sweep`.\n", c.String("root"), a.program)
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "study\tbegun\tengine\tmodel\tconfigs\tfailed\tfront\tHV\tsize")
	for _, s := range list {
		hv := "-"
		if s.HV != nil {
			hv = fmt.Sprintf("%.3f", *s.HV)
		}
		kind := s.Engine + " " + shortVersion(s.EngineVersion)
		if s.Simulated {
			kind = s.Engine + ", SIMULATED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", s.Dir, s.Created.Local().Format("2006-01-02 15:04"), kind, filepath.Base(s.Model), s.Configs, total(s.Failed), s.Points, hv, size(s.Bytes))
	}
	return w.Flush()
}

// shortVersion is a version without what follows its first word.
func shortVersion(v string) string {
	word, _, _ := strings.Cut(v, " ")
	return word
}

func total(counts map[string]int) int {
	n := 0
	for _, count := range counts {
		n += count
	}
	return n
}

func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.0f KiB", float64(bytes)/(1<<10))
}

// summaryOf reads what a list tells of a study. No model is asked: P(front) is for
// `harness front`.
func summaryOf(dir string) (studyJSON, error) {
	s, state, err := openState(dir)
	if err != nil {
		return studyJSON{}, err
	}
	aim, err := s.Lock.Aim()
	if err != nil {
		return studyJSON{}, err
	}
	doc := report.NewFront(state.Trials, state.Runs, aim).JSON(s.Lock.ID)
	l := s.Lock
	return studyJSON{Dir: dir, ID: l.ID, Created: l.Created, Engine: l.Engine, EngineVersion: l.EngineVersion, Model: l.Launch.Model, Simulated: l.Simulated,
		Space: l.Space, Valid: l.Valid.String(), Trials: len(state.Trials), Configs: configsOf(state.Trials), Failed: report.NewFailures(state.Trials).Counts(),
		Damaged: len(state.Bad), Points: len(doc.Points), HV: doc.HV, Bytes: bytesBelow(dir)}, nil
}

func openState(dir string) (*study.Study, study.State, error) {
	s, err := study.Open(dir)
	if err != nil {
		return nil, study.State{}, err
	}
	state, err := s.Load()
	return s, state, err
}

// readStudy opens the study that --study names, or the newest, and reads its rows; what
// is damaged is told and left out.
func (a *app) readStudy(c *cli.Context) (*study.Study, study.State, error) {
	dir, err := studyDir(c)
	if err != nil {
		return nil, study.State{}, err
	}
	s, state, err := openState(dir)
	for _, b := range state.Bad {
		fmt.Fprintf(a.stderr, "warning: %v; left out\n", b)
	}
	return s, state, err
}

// bytesBelow is the size of a folder's files; what cannot be read counts as nothing.
func bytesBelow(dir string) int64 {
	total := int64(0)
	walk := func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			total += info.Size()
		}
		return nil
	}
	if err := filepath.WalkDir(dir, walk); err != nil {
		return total
	}
	return total
}

func (a *app) studyShow(c *cli.Context) error {
	dir, err := studyDir(c)
	if err != nil {
		return err
	}
	sum, err := summaryOf(dir)
	if err != nil {
		return err
	}
	lock, err := study.ReadLock(dir)
	if err != nil {
		return err
	}
	for _, item := range methodOf(lock) {
		sum.Method = append(sum.Method, methodJSON{item.Name, item.Text})
	}
	if c.Bool("json") {
		return a.printJSON(sum)
	}
	if sum.Simulated {
		fmt.Fprintln(a.stdout, simulatedLine)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, item := range sum.Method {
		fmt.Fprintf(w, "%s\t%s\n", item.Name, item.Text)
	}
	fmt.Fprintf(w, "lattice\t%s of %s raw configs are valid (%s)\n", sum.Valid, lock.Raw, lock.Space)
	fmt.Fprintf(w, "measured\t%s in %s; %d failed\n", report.Plural(sum.Configs, "config"), report.Plural(sum.Trials, "trial"), total(sum.Failed))
	fmt.Fprintf(w, "on disk\t%s in %s", size(sum.Bytes), dir)
	if sum.Damaged > 0 {
		fmt.Fprintf(w, "; %s damaged", report.Plural(sum.Damaged, "part"))
	}
	fmt.Fprintf(w, "\nnext\t%s front --study %s\n", a.program, dir)
	return w.Flush()
}

func (a *app) studyCompare(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("study compare takes two studies: %s study compare A B", a.program)
	}
	if slices.Contains(c.Args().Slice(), "--json") {
		return usagef("study compare: --json stands before the two studies")
	}
	first, stateA, err := openState(c.Args().Get(0))
	if err != nil {
		return err
	}
	second, stateB, err := openState(c.Args().Get(1))
	if err != nil {
		return err
	}
	if first.Lock.Simulated != second.Lock.Simulated {
		return fmt.Errorf("one of %s and %s is simulated, and the other was measured: they cannot be compared", first.Store.Dir, second.Store.Dir)
	}
	aim, err := second.Lock.Aim()
	if err != nil {
		return err
	}
	byTrial := map[string][]results.Param{}
	for _, t := range stateB.Trials {
		byTrial[t.TrialID] = t.Params
	}
	cmp := report.Compare(results.Collect(stateA.Trials, stateA.Runs), results.Collect(stateB.Trials, stateB.Runs), first.Lock.WorkloadHash == second.Lock.WorkloadHash, aim.Objectives[:],
		func(m results.Measurement) []results.Param { return byTrial[m.TrialID] })
	diffs := first.Lock.Differences(second.Lock)
	if c.Bool("json") {
		return a.printJSON(cmp.JSON(diffs))
	}
	if second.Lock.Simulated {
		fmt.Fprintln(a.stdout, simulatedLine)
	}
	fmt.Fprintf(a.stdout, "A  %s\nB  %s\n", first.Store.Dir, second.Store.Dir)
	if len(diffs) == 0 {
		fmt.Fprintln(a.stdout, "Both ask and measure the same.")
	}
	for _, d := range diffs {
		fmt.Fprintf(a.stdout, "   %s\n", d)
	}
	if first.Lock.WorkloadHash != second.Lock.WorkloadHash {
		fmt.Fprintln(a.stdout, "They sent other requests: a difference may be the workload's.")
	}
	fmt.Fprintln(a.stdout)
	return cmp.Text(a.stdout, second.Default())
}
