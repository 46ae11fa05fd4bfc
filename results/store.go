package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Store is a study's folder: one Parquet part a trial, a run, a run's requests and a
// trial's samples, and the servers' logs. Parts are written once and whole; Pack merges
// those of a table into one file, and readers take both. A failure is a column of its
// trial's row, not a table of its own.
type Store struct {
	Dir     string
	StudyID string // rows of another study are refused; "": any
}

// The folders of a study.
const (
	trialsDir   = "trials"
	runsDir     = "runs"
	requestsDir = "requests"
	samplesDir  = "samples"
	logsDir     = "logs"
	plansDir    = "plans"
	damagedDir  = "damaged" // what could not be used, as it was
)

var tableDirs = []string{requestsDir, samplesDir, runsDir, trialsDir}

// Folders are those that Create makes, in this order.
var Folders = []string{trialsDir, runsDir, requestsDir, samplesDir, logsDir, plansDir}

// Create makes the study's folders where they are missing.
func (s Store) Create() error {
	for _, d := range Folders {
		if err := os.MkdirAll(filepath.Join(s.Dir, d), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Glob is the pattern of a table's files, for pandas and DuckDB.
func (s Store) Glob(table string) string { return filepath.Join(s.Dir, table, "*"+partSuffix) }

// PackedPath is the file that Pack merges a table's parts into.
func (s Store) PackedPath(table string) string { return s.part(table, packedID) }

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
	return filepath.Join(s.Dir, table, id+partSuffix)
}

// WritePlan stores a trial's plan, durably, before it starts.
func (s Store) WritePlan(trialID string, plan []byte) error {
	return writeFile(s.PlanPath(trialID), plan)
}

// WriteTrial stores the row that ends a trial.
func (s Store) WriteTrial(t Trial) error {
	data, err := trialTable.encodeRow(t)
	if err == nil {
		err = writeFile(s.part(trialsDir, t.TrialID), data)
	}
	if err != nil {
		return fmt.Errorf("trial %s: %w", t.TrialID, err)
	}
	return nil
}

// WriteRun stores a finished run: first its requests, then its row, so that a run
// that is there is there with all that it says.
func (s Store) WriteRun(r Run, requests []Request) error {
	data, err := encode(requestSchema, requests, requestWeight)
	if err == nil {
		err = writeFile(s.part(requestsDir, r.RunID), data)
	}
	if err == nil {
		data, err = runTable.encodeRow(r)
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
	data, err := encode(sampleSchema, samples, one)
	if err == nil {
		err = writeFile(s.part(samplesDir, trialID), data)
	}
	if err != nil {
		return fmt.Errorf("samples of %s: %w", trialID, err)
	}
	return nil
}

// Trials reads every trial, ordered by identifier. Files that cannot be used are
// named in bad and left out; err is for a folder that cannot be read.
func (s Store) Trials() (trials []Trial, bad []*BadPart, err error) {
	return trialTable.load(s, func(string) bool { return true })
}

// Runs reads every run, ordered by identifier, as Trials does.
func (s Store) Runs() (runs []Run, bad []*BadPart, err error) {
	return runTable.load(s, func(string) bool { return true })
}

// RunsOf reads the runs of one trial.
func (s Store) RunsOf(trialID string) (runs []Run, bad []*BadPart, err error) {
	return runTable.load(s, func(id string) bool { return strings.HasPrefix(id, trialID+"-") })
}

// Requests reads the requests of one run; those of many are a Reader's.
func (s Store) Requests(runID string) ([]Request, error) {
	r := s.Reader()
	defer r.Close()
	return r.Requests(runID)
}

// Samples reads the samples of one trial; those of many are a Reader's.
func (s Store) Samples(trialID string) ([]Sample, error) {
	r := s.Reader()
	defer r.Close()
	return r.Samples(trialID)
}

// Plans lists the trials that have a plan, in order.
func (s Store) Plans() ([]string, error) {
	return names(filepath.Join(s.Dir, plansDir), ".json")
}
