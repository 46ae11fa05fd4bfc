package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/results"
	"harness/results/report"
)

// benchSchema is the version of bench.json.
const benchSchema = 1

// benchName is the file that makes a folder one of `harness bench`.
const benchName = "bench.json"

// benchMeta is what was measured, and how: bench.json.
type benchMeta struct {
	Schema          int            `json:"schema"`
	Created         time.Time      `json:"created"`
	Host            string         `json:"host"`
	URL             string         `json:"url"`
	Engine          string         `json:"engine"`
	Version         string         `json:"engine_version"`
	How             string         `json:"identified_by"`
	Simulated       bool           `json:"simulated"`
	API             load.API       `json:"api"`
	Model           string         `json:"model"`
	Workload        load.Workload  `json:"workload"`
	WorkloadHash    string         `json:"workload_hash"`
	Calibrated      string         `json:"calibrated_by,omitempty"` // how the lengths of text prompts were made true
	Point           bench.Point    `json:"load_point"`
	OpenLoop        bench.OpenLoop `json:"open_loop"`
	RampSeconds     float64        `json:"ramp_s,omitempty"`
	Requests        int            `json:"requests,omitempty"`
	DurationSeconds float64        `json:"duration_s,omitempty"`
	Warmup          int            `json:"warmup"`
	Fresh           bool           `json:"fresh_connections,omitempty"`
	Timeouts        string         `json:"timeouts,omitempty"`
	Continuous      bool           `json:"continuous_usage,omitempty"`
	ExtraBody       string         `json:"extra_body_hash,omitempty"` // of --extra-body, which may hold what is secret
	Profile         load.Profile   `json:"profile"`
	SLO             load.SLO       `json:"slo"`
	Seed            uint64         `json:"seed"`
}

// bodyHash identifies what --extra-body adds; "" is nothing.
func bodyHash(extra map[string]any) string {
	if len(extra) == 0 {
		return ""
	}
	text, err := json.Marshal(extra)
	if err != nil {
		panic("what was read as JSON is written as JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// benchViews are the fields of a benchMeta that change how runs are looked at, or say when
// and where, and not what they are.
var benchViews = []string{"Created", "Host", "How", "Profile", "SLO", "Calibrated"}

// differences names the settings in which two benchmarks are not the same.
func (m benchMeta) differences(other benchMeta) []string {
	var diffs []string
	a, b := reflect.ValueOf(m), reflect.ValueOf(other)
	for i := range a.NumField() {
		f := a.Type().Field(i)
		if slices.Contains(benchViews, f.Name) {
			continue
		}
		if f.Name == "Workload" {
			diffs = append(diffs, workloadDifferences(m.Workload, other.Workload)...)
			continue
		}
		was, _ := json.Marshal(a.Field(i).Interface())
		now, _ := json.Marshal(b.Field(i).Interface())
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); !bytes.Equal(was, now) && name != "workload_hash" {
			diffs = append(diffs, fmt.Sprintf("%s: %s, now %s", name, was, now))
		}
	}
	return diffs
}

// printHead tells what is measured.
func (m benchMeta) printHead(w io.Writer) {
	if m.Simulated {
		fmt.Fprint(w, banner(""))
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(tw, "Server\t%s: %s\n", m.URL, strings.TrimSpace(m.Engine+" "+m.Version)+told(" (by %s)", m.How))
	fmt.Fprintf(tw, "Asked\tthe %s interface%s%s\n", m.API, told(", model %s", m.Model), map[bool]string{true: ", a new connection for each request"}[m.Fresh])
	fmt.Fprintf(tw, "Load\t%s; %s%s\n", m.Workload, pointsText([]bench.Point{m.Point}), m.gaps())
	if m.Calibrated != "" {
		fmt.Fprintf(tw, "\tlengths of text calibrated by %s\n", m.Calibrated)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

// gaps tells how an open loop's gaps are drawn.
func (m benchMeta) gaps() string {
	if m.Point.Rate == 0 {
		return ""
	}
	text := fmt.Sprintf(" (%s", m.OpenLoop.Arrival)
	if m.OpenLoop.Arrival == load.Gamma {
		text += fmt.Sprintf(" of burstiness %v", m.OpenLoop.Burstiness)
	}
	if m.OpenLoop.Pure {
		text += ", pure"
	}
	return text + ")"
}

func told(format, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(format, text)
}

// benchFolder is where runs are kept.
type benchFolder struct {
	store  results.Store
	meta   benchMeta
	before []bench.Measured // runs of the same benchmark that are there already
	unlock func()
}

// openBenchFolder makes a new folder, or opens one of the same benchmark, to which
// runs are added. Any other that is not empty is refused.
func openBenchFolder(dir string, meta benchMeta) (*benchFolder, error) {
	f := &benchFolder{store: results.Store{Dir: dir}, meta: meta}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &exitError{exitUsage, fmt.Errorf("--out: %w", err)}
	}
	if len(entries) > 0 {
		old, err := readBenchMeta(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("--out %s: it is not empty, and no folder of `harness bench`: name another", dir)
		}
		if err != nil {
			return nil, err
		}
		if diffs := old.differences(meta); len(diffs) > 0 {
			return nil, usagef("--out %s holds a benchmark with other settings: name another folder, or remove it\n  %s", dir, strings.Join(diffs, "\n  "))
		}
	}
	for _, sub := range []string{"runs", "requests"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("--out: %w", err)
		}
	}
	if f.unlock, err = f.store.Lock(); err != nil {
		return nil, err
	}
	if f.before, err = readMeasured(f.store, meta.Workload); err == nil && len(entries) == 0 {
		err = writeBenchMeta(dir, meta)
	}
	if err != nil {
		f.close()
	}
	return f, err
}

func (f *benchFolder) close() { f.unlock() }

// write keeps a run.
func (f *benchFolder) write(m bench.Measured) error {
	m.Row.StudyID, m.Row.TrialID = filepath.Base(f.store.Dir), "bench"
	base := results.Request{StudyID: m.Row.StudyID, TrialID: m.Row.TrialID, RunID: m.Row.RunID, API: m.Row.API, Simulated: m.Row.Simulated}
	return f.store.WriteRun(m.Row, bench.RequestRows(base, m.Records))
}

func readBenchMeta(dir string) (benchMeta, error) {
	path := filepath.Join(dir, benchName)
	text, err := os.ReadFile(path)
	if err != nil {
		return benchMeta{}, err
	}
	var m benchMeta
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	if m.Schema != benchSchema {
		return m, fmt.Errorf("%s has schema version %d, and this harness reads %d", path, m.Schema, benchSchema)
	}
	return m, nil
}

func writeBenchMeta(dir string, m benchMeta) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, benchName), append(text, '\n'), 0o644)
}

// readMeasured reads all runs of a store, with their requests.
func readMeasured(store results.Store, w load.Workload) ([]bench.Measured, error) {
	rows, bad, err := store.Runs()
	if err != nil {
		return nil, err
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("%w: remove or mend it; %s in all cannot be used", bad[0], report.Plural(len(bad), "file"))
	}
	reader := store.Reader()
	defer reader.Close()
	var runs []bench.Measured
	for _, row := range rows {
		requests, err := reader.Requests(row.RunID)
		if err != nil {
			return nil, err
		}
		runs = append(runs, bench.Restore(row, requests, w))
	}
	slices.SortStableFunc(runs, func(a, b bench.Measured) int { return int(a.Row.Repeat - b.Row.Repeat) })
	return runs, nil
}
