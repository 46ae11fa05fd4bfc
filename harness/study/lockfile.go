package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"harness/harness/bench"
	"harness/harness/engine"
	"harness/harness/load"
	"harness/space"
)

// LockVersion is the schema of study.json.
const LockVersion = 2

// Lock is study.json: all that decides what a study asks and how it measures. It is
// written once, when the study begins. Facts and the spec (space.yaml beside it) are
// in it, so that a study can be continued where its model or its spec file is gone.
type Lock struct {
	Schema          int                      `json:"schema"`
	ID              string                   `json:"id"`
	Created         time.Time                `json:"created"`
	Engine          string                   `json:"engine"`
	EngineVersion   string                   `json:"engine_version"`
	Simulated       bool                     `json:"simulated"`
	Space           string                   `json:"space"`      // name of the spec
	SpaceHash       string                   `json:"space_hash"` // of its text
	LatticeID       string                   `json:"lattice_id"` // of spec, facts and domains: what a rank means
	Raw             space.Rank               `json:"raw"`
	Valid           space.Rank               `json:"valid"`
	Facts           map[string]space.Value   `json:"facts"`
	Tune            []string                 `json:"tune,omitempty"`
	Set             map[string][]space.Value `json:"set,omitempty"`
	Flags           []string                 `json:"flags"` // of the spec's, those that the installed engine knows; null: it was not asked
	Launch          engine.Launch            `json:"launch"`
	Workload        load.Workload            `json:"workload"`
	WorkloadHash    string                   `json:"workload_hash"`
	OpenLoop        bench.OpenLoop           `json:"open_loop"`
	LoadPoints      []bench.Point            `json:"load_points"`
	Repeats         int                      `json:"repeats"`                  // runs at each load point; the most of them where there is a Precision
	Precision       float64                  `json:"precision,omitempty"`      // half-width of an objective's interval that is enough, such as 0.03; 0: all Repeats are made
	SentinelEvery   int                      `json:"sentinel_every,omitempty"` // configs from one launch of the default to the next; 0: none
	CoolDownSeconds float64                  `json:"cool_down_s,omitempty"`    // between two runs
	StrictClient    bool                     `json:"strict_client,omitempty"`  // runs in which the load generator was at its limit are invalid
	Objectives      []string                 `json:"objectives"`               // two metrics, as results.ParseAim reads them
	Limits          []string                 `json:"limits,omitempty"`         // that a point must keep to count, likewise
	SLO             load.SLO                 `json:"slo,omitzero"`             // of single requests: what makes one good
	AimSince        string                   `json:"aim_since,omitempty"`      // the last trial that was measured for other objectives or limits
	From            []Source                 `json:"from,omitempty"`           // studies that this one builds on
	GPUPrice        float64                  `json:"gpu_price,omitempty"`      // of an hour of one GPU, in any currency; 0: not given
	Seed            uint64                   `json:"seed"`
	Host            string                   `json:"host"`
	GPUs            []GPU                    `json:"gpus"`
	ModelFiles      string                   `json:"model_files,omitempty"` // fingerprint of the model's files; "": they are not on this machine
	Moves           []Move                   `json:"moves,omitempty"`       // what changed since, by leave of the user

	// Interference is found out on the way, before trials run beside each other; nil: not
	// tested.
	Interference *Interference `json:"interference,omitempty"`
}

// GPU is a device that the study's trials may use.
type GPU struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
}

// LockName is the lockfile's name: a folder that has it is a study.
const LockName = "study.json"

const (
	specName    = "space.yaml" // beside it
	tmpLockName = "." + LockName
)

// incidental are the fields of a lock that say when and where, not what; consequences
// follow from the others, and are told only where nothing else differs.
var (
	incidental   = []string{"ID", "Created", "WorkloadHash", "Interference", "AimSince", "Moves"}
	consequences = []string{"LatticeID", "Raw", "Valid"}
)

// Differences names the fields in which two locks ask or measure otherwise, with
// both values.
func (l Lock) Differences(other Lock) []string {
	var diffs, followed []string
	a, b := reflect.ValueOf(l), reflect.ValueOf(other)
	for i := range a.NumField() {
		f := a.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case slices.Contains(incidental, f.Name):
		case slices.Contains(consequences, f.Name):
			followed = append(followed, difference(name, a.Field(i).Interface(), b.Field(i).Interface())...)
		case f.Name == "Facts":
			diffs = append(diffs, factDifferences(l.Facts, other.Facts)...)
		default:
			diffs = append(diffs, difference(name, a.Field(i).Interface(), b.Field(i).Interface())...)
		}
	}
	if len(diffs) == 0 {
		return followed
	}
	return diffs
}

// difference compares two values as JSON: what was never written and what is empty
// are the same.
func difference(name string, a, b any) []string {
	x, y := brief(a), brief(b)
	if x == y {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s, now %s", name, clip(x, y), clip(y, x))}
}

func factDifferences(a, b map[string]space.Value) []string {
	all := maps.Clone(b)
	maps.Copy(all, a)
	var diffs []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		x, inA := a[name]
		y, inB := b[name]
		switch {
		case !inA:
			diffs = append(diffs, fmt.Sprintf("fact %s: not known, now %s", name, y))
		case !inB:
			diffs = append(diffs, fmt.Sprintf("fact %s: %s, now not known", name, x))
		case x != y:
			diffs = append(diffs, fmt.Sprintf("fact %s: %s, now %s", name, x, y))
		}
	}
	return diffs
}

func brief(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	switch s := string(text); s {
	case "null", "[]", "{}":
		return "nothing"
	default:
		return s
	}
}

// clip shows the part of a long text around its first difference from another.
func clip(s, other string) string {
	const around, most = 40, 100
	if len(s) <= most {
		return s
	}
	i := 0
	for i < len(s) && i < len(other) && s[i] == other[i] {
		i++
	}
	from := max(0, i-around)
	return "..." + s[from:min(len(s), from+most)] + "..."
}

// writeLock begins a study: its lockfile comes last, since a folder that has it is one.
func writeLock(dir string, l Lock, spec []byte) error {
	if err := os.WriteFile(filepath.Join(dir, specName), spec, 0o644); err != nil {
		return err
	}
	return updateLock(dir, l)
}

// updateLock replaces the lockfile as a whole.
func updateLock(dir string, l Lock) error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(dir, LockName, tmpLockName, append(text, '\n')) // last: a folder with a lock is a whole study
}

// Amend changes a study's lockfile: what it is judged by, or builds on.
func (s *Study) Amend(change func(*Lock)) error {
	unlock, err := s.Store.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	lock, err := ReadLock(s.Store.Dir)
	if err != nil {
		return err
	}
	change(&lock)
	if err := writeLock(s.Store.Dir, lock, s.Spec.Source); err != nil {
		return err
	}
	s.Lock = lock
	return nil
}

// ReadLock reads a study's lockfile.
func ReadLock(dir string) (Lock, error) {
	path := filepath.Join(dir, LockName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Lock{}, fmt.Errorf("%s is not a study: it has no %s; begin one with `harness sweep --study %s`", dir, LockName, dir)
	}
	if err != nil {
		return Lock{}, err
	}
	var version struct{ Schema int }
	if err := json.Unmarshal(data, &version); err != nil {
		return Lock{}, fmt.Errorf("%s: %w", path, err)
	}
	if version.Schema != LockVersion {
		return Lock{}, fmt.Errorf("%s has schema version %d, and this harness reads %d: use the harness that began the study, or begin a new one", path, version.Schema, LockVersion)
	}
	var l Lock
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return Lock{}, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// KnownFlags are Flags as Compile takes them; nil where the engine was not asked.
func (l Lock) KnownFlags() map[string]bool {
	if l.Flags == nil {
		return nil
	}
	known := map[string]bool{}
	for _, f := range l.Flags {
		known[f] = true
	}
	return known
}
