package study

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"harness/harness/bench"
	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
	"harness/space"
)

// fullLock has a value in every field.
func fullLock() Lock {
	return Lock{Schema: LockVersion, ID: "s", Created: time.Unix(1_800_000_000, 0).UTC(), Engine: "vllm", EngineVersion: "0.32.0", Simulated: true,
		Space: "vllm", SpaceHash: "ab", LatticeID: "cd", Raw: space.Rank{Hi: 1 << 63, Lo: 5}, Valid: space.RankOf(7),
		Facts: map[string]space.Value{"device_num": space.Int(8), "share": space.Float(0.5), "name": space.String("8"), "moe": space.Bool(false), "unknown": space.None()},
		Tune:  []string{"tp_size"}, Set: map[string][]space.Value{"tp_size": {space.None(), space.Int(2)}},
		Flags: []string{"--tp-size"},
		Launch: engine.Launch{Engine: "vllm", Bin: "/bin/vllm", Model: "m", Wrap: []string{"docker", "{argv}"},
			Server: space.Server{Argv: []string{"{bin}"}, ExtraBody: map[string]any{"cache_prompt": false, "n": 1.5}, Flush: &space.Endpoint{Path: "/f"}}},
		Workload: load.Workload{Input: "1", Output: "2", Seed: 1<<64 - 1}, WorkloadHash: "ef",
		OpenLoop: bench.OpenLoop{Arrival: load.Gamma, Burstiness: 0.5, Pure: true}, LoadPoints: []bench.Point{{Concurrency: 8}, {Rate: 2.5}}, Repeats: 3, Precision: 0.02, SentinelEvery: 12, CoolDownSeconds: 5, StrictClient: true, Objectives: []string{"ttft_p50_s"}, Limits: []string{"itl_p99_s=0.05"}, SLO: load.SLO{TTFTSeconds: 0.5}, GPUPrice: 2.5, AimSince: "t0002", From: []Source{{Dir: "/s", ID: "s", Through: "t0004", Differs: []string{"GPU"}}}, Seed: 1<<64 - 1, Host: "h", GPUs: []GPU{{"GPU-1", "H100"}},
		ModelFiles: "abc", Moves: []Move{{time.Unix(1_800_000_001, 0).UTC(), []string{"host: a, now b"}}},
		Interference: &Interference{Allowed: true, Why: "w", ConfigID: "c", Together: 8, Alone: 1, Beside: 8, Ratios: []results.Ratio{{Metric: "m", Value: 1, Low: 0.9, High: 1.1}}, At: time.Unix(1_800_000_000, 0).UTC()}}
}

func TestLockSurvivesItsFile(t *testing.T) {
	dir := t.TempDir()
	want := fullLock()
	for i, v := 0, reflect.ValueOf(want); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("fullLock leaves %s empty", v.Type().Field(i).Name)
		}
	}
	if err := writeLock(dir, want, []byte("spec")); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b space.Value) bool { return a == b })); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	if diffs := want.Differences(got); len(diffs) > 0 {
		t.Errorf("its file differs in %q", diffs)
	}
}

// Every field that decides what is asked or how it is measured is a difference of
// its own name; when and under which name are not.
func TestDifferences(t *testing.T) {
	changes := map[string]func(l *Lock){
		"Schema": func(l *Lock) { l.Schema++ }, "Engine": func(l *Lock) { l.Engine += "x" }, "EngineVersion": func(l *Lock) { l.EngineVersion = "1" },
		"Simulated": func(l *Lock) { l.Simulated = false }, "Space": func(l *Lock) { l.Space = "x" }, "SpaceHash": func(l *Lock) { l.SpaceHash = "x" },
		"LatticeID": func(l *Lock) { l.LatticeID = "x" }, "Raw": func(l *Lock) { l.Raw = space.RankOf(1) }, "Valid": func(l *Lock) { l.Valid = space.RankOf(1) },
		"Facts": func(l *Lock) { l.Facts["device_num"] = space.Int(4) }, "Tune": func(l *Lock) { l.Tune = nil }, "Flags": func(l *Lock) { l.Flags = nil },
		"Set": func(l *Lock) { l.Set["tp_size"][0] = space.Int(1) }, "Launch": func(l *Lock) { l.Launch.Server.StopGraceS = 9 },
		"Workload": func(l *Lock) { l.Workload.Output = "3" }, "LoadPoints": func(l *Lock) { l.LoadPoints = l.LoadPoints[:1] }, "OpenLoop": func(l *Lock) { l.OpenLoop.Pure = false },
		"Repeats": func(l *Lock) { l.Repeats++ }, "Precision": func(l *Lock) { l.Precision = 0 }, "SentinelEvery": func(l *Lock) { l.SentinelEvery = 0 },
		"StrictClient": func(l *Lock) { l.StrictClient = false }, "CoolDownSeconds": func(l *Lock) { l.CoolDownSeconds = 0 }, "Objectives": func(l *Lock) { l.Objectives[0] = "x" }, "Limits": func(l *Lock) { l.Limits = nil }, "SLO": func(l *Lock) { l.SLO.Share = 0.9 }, "From": func(l *Lock) { l.From = nil }, "AimSince": func(l *Lock) { l.AimSince = "t0009" }, "GPUPrice": func(l *Lock) { l.GPUPrice = 3 }, "Seed": func(l *Lock) { l.Seed = 0 },
		"Host": func(l *Lock) { l.Host = "x" }, "GPUs": func(l *Lock) { l.GPUs[0].UUID = "GPU-2" },
		"ModelFiles": func(l *Lock) { l.ModelFiles = "x" }, "Moves": func(l *Lock) { l.Moves = nil },
		"ID": func(l *Lock) { l.ID = "x" }, "Created": func(l *Lock) { l.Created = l.Created.Add(time.Hour) }, "WorkloadHash": func(l *Lock) { l.WorkloadHash = "x" }, "Interference": func(l *Lock) { l.Interference = nil },
	}
	for i, typ := 0, reflect.TypeFor[Lock](); i < typ.NumField(); i++ {
		f := typ.Field(i)
		change := changes[f.Name]
		if change == nil {
			t.Errorf("field %s is not tried", f.Name)
			continue
		}
		other := fullLock()
		change(&other)
		got := fullLock().Differences(other)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Name == "Facts" {
			name = "fact device_num"
		}
		switch f.Name {
		case "ID", "Created", "WorkloadHash", "Interference", "AimSince", "Moves":
			if len(got) > 0 {
				t.Errorf("%s: %q, want none", f.Name, got)
			}
		default:
			if len(got) != 1 || !strings.HasPrefix(got[0], name+": ") || !strings.Contains(got[0], ", now ") {
				t.Errorf("%s: %q, want one of %s", f.Name, got, name)
			}
		}
	}
}

// What a study runs on may change by leave; what it asks and how it measures may not.
func TestMoved(t *testing.T) {
	now := fullLock()
	now.EngineVersion, now.Host, now.GPUs, now.ModelFiles, now.Flags, now.Launch.Bin = "2", "b", nil, "z", nil, "/other"
	if moved, settings := fullLock().Moved(now), fullLock().Settings(now); len(moved) != 6 || len(settings) != 0 {
		t.Errorf("moved %q, settings %q", moved, settings)
	}
	now.Repeats, now.LatticeID = 7, "other"
	if settings := fullLock().Settings(now); len(settings) != 1 || settings[0] != "repeats: 3, now 7" {
		t.Errorf("settings %q", settings)
	}
	s := newStudy(t)
	now = s.Lock
	now.EngineVersion = "2"
	if err := s.Move(now); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, s)
	if l := again.Lock; l.EngineVersion != "2" || len(l.Moves) != 1 || l.Moves[0].What[0] != `engine_version: "1", now "2"` || len(l.Moved(now)) != 0 {
		t.Errorf("%+v", l)
	}
	if err := again.Move(now); err != nil || len(reopen(t, s).Lock.Moves) != 1 {
		t.Errorf("moved again: %v", err)
	}
}

func TestDifferencesAreBrief(t *testing.T) {
	a, b := fullLock(), fullLock()
	a.Tune, b.Tune = nil, []string{}
	a.Facts["gone"], b.Facts["new"] = space.Int(1), space.Int(2)
	long := strings.Repeat("word ", 100)
	a.Objectives, b.Objectives = []string{long + "a" + long}, []string{long + "b" + long}
	a.Valid = space.RankOf(1) // follows from the facts: not worth a word
	got := strings.Join(a.Differences(b), "\n")
	want := "fact gone: 1, now not known\nfact new: not known, now 2\nobjectives: ..."
	if !strings.HasPrefix(got, want) || len(got) > 500 || !strings.Contains(got, "word aword") || !strings.Contains(got, "word bword") {
		t.Errorf("got\n%s", got)
	}
}

func TestReadLockErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"missing", "", "is not a study: it has no study.json; begin one with `harness sweep --study "},
		{"newer", `{"schema": 99, "what": "ever"}`, "has schema version 99, and this harness reads 2: use the harness that began the study, or begin a new one"},
		{"broken", `{"schema": 2, "id": `, "unexpected end of JSON input"},
		{"unknown field", `{"schema": 2, "colour": "red"}`, `unknown field "colour"`},
		{"bad rank", `{"schema": 2, "raw": "many"}`, `rank "many"`},
		{"bad fact", `{"schema": 2, "facts": {"a": [1]}}`, "is not a value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.text != "" {
				if err := os.WriteFile(filepath.Join(dir, LockName), []byte(tt.text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := ReadLock(dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCreateRefusesAFolderInUse(t *testing.T) {
	s := newStudy(t)
	if _, err := Create(s.Store.Dir, s.Lock, s.Spec, s.Lattice); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("twice: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(filepath.Join(file, "s"), s.Lock, s.Spec, s.Lattice); err == nil || !strings.Contains(err.Error(), "create study") {
		t.Errorf("below a file: %v", err)
	}
}

func TestOpen(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		want           string // "": it opens
	}{
		{"as it was", "x", "x", ""},
		{"a comment more", "schema: 1", "# more\nschema: 1", "the file space.yaml was changed"},
		{"a value less", "[1, 2, 4, 8]", "[1, 2, 4]", "the file space.yaml was changed"},
		{"a rule less", "mixed == none or share == none", "true or share == none", "the file space.yaml was changed"},
		{"broken", "schema: 1", "schema: [", "space.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStudy(t)
			text := strings.Replace(testSpec, tt.old, tt.new, 1)
			if err := os.WriteFile(filepath.Join(s.Store.Dir, specName), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Open(s.Store.Dir)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	s := newStudy(t)
	if err := os.Remove(filepath.Join(s.Store.Dir, specName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(s.Store.Dir); err == nil || !strings.Contains(err.Error(), specName) {
		t.Errorf("without its spec: %v", err)
	}
}

func TestNewest(t *testing.T) {
	root := t.TempDir()
	if got, err := Newest(filepath.Join(root, "missing")); got != "" || err != nil {
		t.Errorf("no folder: %q, %v", got, err)
	}
	if got, err := Newest(root); got != "" || err != nil {
		t.Errorf("an empty folder: %q, %v", got, err)
	}
	for i, hours := range []int{2, 5, 3} {
		dir := filepath.Join(root, fmt.Sprint("s", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		l := fullLock()
		l.Created = l.Created.Add(time.Duration(hours) * time.Hour)
		if err := writeLock(dir, l, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "z-no-study"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Newest(root); got != filepath.Join(root, "s1") || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestColumns(t *testing.T) {
	spec := parseSpec(t, testSpec)
	lattice := compileSpec(t, spec)
	cfg := lattice.Config(lattice.Default())
	cfg["batch"], cfg["share"], cfg["graphs"], cfg["mixed"] = space.Int(8), space.Float(0.5), space.Bool(true), space.Int(1)
	var got []string
	for _, p := range columns(spec, cfg) {
		got = append(got, fmt.Sprintf("%s %T %v", p.Name, p.Value, p.Value))
	}
	want := []string{"batch int64 8", "share float64 0.5", "policy string fcfs", "graphs bool true", "mixed string 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	cfg["share"] = space.None()
	if p := columns(spec, cfg)[1]; p.Value != nil {
		t.Errorf("an omitted flag is %v, want null", p.Value)
	}
}

// A column's type is that of all values of the spec, and a whole number among
// floats is a float.
func TestColumnType(t *testing.T) {
	values := func(texts string) (list []space.Value) {
		for _, s := range strings.Fields(texts) {
			list = append(list, space.ParseValue(s))
		}
		return list
	}
	for texts, want := range map[string]any{"true none false": true, "1 2 none": int64(1), "1 0.5": 1.0, "1 auto": "1", "true 1": "true", "fcfs": "fcfs"} {
		list := values(texts)
		if got := columnValue(columnType(list), list[0]); got != want {
			t.Errorf("%s: first as %T %v, want %T %v", texts, got, got, want, want)
		}
	}
}
