package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/results"
)

// benchFrom computes the metrics of stored requests again. Only flags that change how
// they are looked at may stand beside --from.
func (a *app) benchFrom(c *cli.Context) error {
	for _, name := range c.LocalFlagNames() {
		switch name {
		case "from", "profile", "slo", "json", "plain":
		default:
			return usagef("--%s decides what is measured, and --from measures nothing: leave one out", name)
		}
	}
	if err := notEmpty(c); err != nil {
		return err
	}
	rules, err := readRules(c)
	if err != nil {
		return err
	}
	meta, runs, err := readBench(c.String("from"))
	if err != nil {
		return err
	}
	if !c.IsSet("profile") && meta.Profile != "" {
		rules.Profile = meta.Profile
	}
	if !c.IsSet("slo") {
		rules.SLO = meta.SLO
	}
	if !c.Bool("json") && meta.URL != "" {
		meta.printHead(a.stderr)
	}
	t := newTally(meta, rules, runs)
	if err := a.printTally(t, c.Bool("json"), ""); err != nil {
		return err
	}
	return t.exit()
}

// readBench reads what --out wrote, or one run of it or of a study by the file of its
// requests.
func readBench(path string) (benchMeta, []bench.Measured, error) {
	info, err := os.Stat(path)
	if err != nil {
		return benchMeta{}, nil, &exitError{exitUsage, fmt.Errorf("--from: %w", err)}
	}
	dir, only := path, ""
	if !info.IsDir() {
		folder, file := filepath.Split(filepath.Clean(path))
		id, ok := strings.CutSuffix(file, ".parquet")
		if !ok || filepath.Base(folder) != "requests" {
			return benchMeta{}, nil, usagef("--from %s: name the folder that --out wrote, or a file in its folder requests", path)
		}
		dir, only = filepath.Dir(filepath.Clean(folder)), id
	}
	meta, err := readBenchMeta(dir)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || only == "") {
		if errors.Is(err, fs.ErrNotExist) {
			err = usagef("--from %s: it has no %s: name a folder that `harness bench --out` wrote, or the requests file of one run of a study", path, benchName)
		}
		return meta, nil, err
	}
	store := results.Store{Dir: dir}
	if only == "" {
		runs, err := readMeasured(store, meta.Workload)
		if err == nil && len(runs) == 0 {
			err = fmt.Errorf("--from %s: there is no run in it", path)
		}
		return meta, runs, err
	}
	run, err := readOne(store, only, meta.Workload)
	if meta.API == "" {
		meta.API, meta.Simulated = load.API(run.Row.API), run.Row.Simulated
	}
	return meta, []bench.Measured{run}, err
}

// readOne reads one run.
func readOne(store results.Store, id string, w load.Workload) (bench.Measured, error) {
	requests, err := store.Requests(id)
	if err != nil {
		return bench.Measured{}, err
	}
	rows, _, err := store.Runs()
	if err != nil {
		return bench.Measured{}, err
	}
	for _, row := range rows {
		if row.RunID == id {
			return bench.Restore(row, requests, w), nil
		}
	}
	return bench.Measured{}, fmt.Errorf("the run %s has requests and no row in %s", id, store.Glob("runs"))
}
