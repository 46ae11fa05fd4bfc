package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Store is a study's folder: one Parquet part a trial, a run, a run's requests and
// a trial's samples, and the servers' logs. Parts are written once and whole.
type Store struct {
	Dir string
}

// The folders of a study.
const (
	trialsDir   = "trials"
	runsDir     = "runs"
	requestsDir = "requests"
	samplesDir  = "samples"
	logsDir     = "logs"
	plansDir    = "plans"
)

// Create makes the study's folders where they are missing.
func (s Store) Create() error {
	for _, d := range []string{trialsDir, runsDir, requestsDir, samplesDir, logsDir, plansDir} {
		if err := os.MkdirAll(filepath.Join(s.Dir, d), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Glob is the pattern of a table's parts, for pandas and DuckDB.
func (s Store) Glob(table string) string { return filepath.Join(s.Dir, table, "*.parquet") }

// LogPath is where a trial's server writes its output.
func (s Store) LogPath(trialID string) string {
	return filepath.Join(s.Dir, logsDir, trialID+".log")
}

// PlanPath is where a trial's plan lies: a plan without a part in trials is a trial
// that was interrupted.
func (s Store) PlanPath(trialID string) string {
	return filepath.Join(s.Dir, plansDir, trialID+".json")
}

func (s Store) part(table, id string) string {
	return filepath.Join(s.Dir, table, id+".parquet")
}

// WritePlan stores a trial's plan, durably, before it starts.
func (s Store) WritePlan(trialID string, plan []byte) error {
	return writeFile(s.PlanPath(trialID), plan)
}

// WriteTrial stores the row that ends a trial.
func (s Store) WriteTrial(t Trial) error {
	data, err := encodeTrial(t)
	if err != nil {
		return fmt.Errorf("trial %s: %w", t.TrialID, err)
	}
	return writeFile(s.part(trialsDir, t.TrialID), data)
}

// WriteRun stores a finished run: first its requests, then its row, so that a run
// that is there is there with all that it says.
func (s Store) WriteRun(r Run, requests []Request) error {
	data, err := encode(parquet.SchemaOf(Request{}), requests)
	if err == nil {
		err = writeFile(s.part(requestsDir, r.RunID), data)
	}
	if err == nil {
		data, err = encode(parquet.SchemaOf(Run{}), []Run{r})
	}
	if err == nil {
		err = writeFile(s.part(runsDir, r.RunID), data)
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", r.RunID, err)
	}
	return nil
}

// WriteSamples stores a trial's samples.
func (s Store) WriteSamples(trialID string, samples []Sample) error {
	data, err := encode(parquet.SchemaOf(Sample{}), samples)
	if err != nil {
		return fmt.Errorf("samples of %s: %w", trialID, err)
	}
	return writeFile(s.part(samplesDir, trialID), data)
}

// Trials reads every trial, ordered by identifier. Parts that cannot be used are
// named in bad and left out; err is for a folder that cannot be read.
func (s Store) Trials() (trials []Trial, bad []*BadPart, err error) {
	bad, err = s.each(trialsDir, "", func(path string) error {
		t, err := readTrial(path)
		if err == nil {
			trials = append(trials, t)
		}
		return err
	})
	return trials, bad, err
}

// Runs reads every run, ordered by identifier, as Trials does.
func (s Store) Runs() (runs []Run, bad []*BadPart, err error) { return s.RunsOf("") }

// RunsOf reads the runs of one trial; of all for "".
func (s Store) RunsOf(trialID string) (runs []Run, bad []*BadPart, err error) {
	if trialID != "" {
		trialID += "-"
	}
	bad, err = s.each(runsDir, trialID, func(path string) error {
		rows, err := readRows[Run](path)
		runs = append(runs, rows...)
		return err
	})
	return runs, bad, err
}

// Requests reads the requests of one run.
func (s Store) Requests(runID string) ([]Request, error) {
	return readRows[Request](s.part(requestsDir, runID))
}

// Samples reads the samples of one trial.
func (s Store) Samples(trialID string) ([]Sample, error) {
	return readRows[Sample](s.part(samplesDir, trialID))
}

// Plans lists the trials that have a plan, in order.
func (s Store) Plans() ([]string, error) {
	return s.ids(plansDir, ".json")
}

func (s Store) ids(table, suffix string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, table))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok && !strings.HasPrefix(id, ".") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids) // not the order of the files: "r1.2" comes after "r1"
	return ids, nil
}

func (s Store) each(table, prefix string, read func(path string) error) (bad []*BadPart, err error) {
	ids, err := s.ids(table, ".parquet")
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !strings.HasPrefix(id, prefix) {
			continue
		}
		var b *BadPart
		switch err := read(s.part(table, id)); {
		case errors.As(err, &b):
			bad = append(bad, b)
		case err != nil:
			return bad, err
		}
	}
	return bad, nil
}

// SetAside renames a part that cannot be used, so that its row is measured again
// and the evidence stays.
func (s Store) SetAside(b *BadPart) error {
	return os.Rename(b.Path, b.Path+".bad")
}
