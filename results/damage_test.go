package results

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var everyBit = flag.Bool("every-bit", false, "flip each bit of each byte in turn, not one")

// smallStudy has every table: two trials with a run of two requests each.
func smallStudy(t testing.TB) Store {
	t.Helper()
	s := Store{Dir: t.TempDir()}
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	addTrial(t, s, "t0001")
	addTrial(t, s, "t0002")
	return s
}

func addTrial(t testing.TB, s Store, id string, params ...Param) {
	t.Helper()
	trial := testTrial()
	trial.TrialID, trial.Params = id, append(trial.Params, params...)
	run := Run{StudyID: "s", TrialID: id, RunID: id + "-c4-r1", Valid: true, Requests: 2, StartedAt: time.Unix(1, 0).UTC()}
	requests := []Request{
		{StudyID: "s", TrialID: id, RunID: run.RunID, ChunkNS: []int64{1, 2, 3}, ChunkTokens: []int32{1, 1, 2}},
		{StudyID: "s", TrialID: id, RunID: run.RunID, Request: 1, FailureClass: "reset"},
	}
	samples := []Sample{{StudyID: "s", TrialID: id, Source: "server", Metric: "queue", Value: 3}}
	for _, err := range []error{s.WriteRun(run, requests), s.WriteSamples(id, samples), s.WriteTrial(trial)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// reads reads one part as its table's readers do, and returns how many rows came of it.
func (s Store) reads(table, id string) (rows int, bad *BadPart, err error) {
	first := func(n int, bads []*BadPart, err error) (int, *BadPart, error) {
		if len(bads) > 0 {
			bad = bads[0]
		}
		return n, bad, err
	}
	switch table {
	case trialsDir:
		all, bads, err := s.Trials()
		return first(len(all), bads, err)
	case runsDir:
		all, bads, err := s.Runs()
		return first(len(all), bads, err)
	case requestsDir:
		all, err := s.Requests(id)
		b, _ := err.(*BadPart)
		return len(all), b, nil
	default:
		all, err := s.Samples(id)
		b, _ := err.(*BadPart)
		return len(all), b, nil
	}
}

// A part of any table that was cut off anywhere, or has a flipped bit anywhere, is never
// read as good data.
func TestDamagedPartIsNeverReadAsGood(t *testing.T) {
	for table, id := range map[string]string{trialsDir: "t0002", runsDir: "t0002-c4-r1", requestsDir: "t0002-c4-r1", samplesDir: "t0002"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			s := smallStudy(t)
			path := s.part(table, id)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			whole, bad, err := s.reads(table, id)
			if bad != nil || err != nil || whole == 0 {
				t.Fatalf("the whole part: %d rows, %v, %v", whole, bad, err)
			}
			others := 0 // rows of other parts that the same reader gives
			if table == trialsDir || table == runsDir {
				others = 1
			}
			refused := func(what string, i int, data []byte) {
				if verify(bytes.NewReader(data), int64(len(data))) == nil {
					t.Fatalf("%s %d: verified", what, i)
				}
				if i%997 != 0 && !*everyBit { // the way through the file system, now and then
					return
				}
				if err := os.WriteFile(path, data, 0o644); err != nil {
					t.Fatal(err)
				}
				rows, bad, err := s.reads(table, id)
				if err != nil || rows != others || bad == nil || bad.Path != path {
					t.Fatalf("%s %d: read %d rows, bad %v, err %v", what, i, rows, bad, err)
				}
			}
			for i := range good {
				refused("cut at", i, good[:i])
				for bit := range 8 {
					if bit != i%8 && !*everyBit {
						continue
					}
					flipped := slices.Clone(good)
					flipped[i] ^= 1 << bit
					refused("flipped byte", i, flipped)
				}
			}
			refused("followed by byte", len(good), append(slices.Clone(good), 0))
			if err := os.WriteFile(path, good, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// FuzzVerify: nothing but what was sealed is taken for a part.
func FuzzVerify(f *testing.F) {
	s := smallStudy(f)
	good, err := os.ReadFile(s.part(samplesDir, "t0001"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("PAR1"))
	f.Add(append([]byte(hashBlank), 71, 0, 0, 0, 'P', 'A', 'R', '1'))
	f.Fuzz(func(t *testing.T, data []byte) {
		if verify(bytes.NewReader(data), int64(len(data))) != nil {
			return
		}
		// A file may well be sealed: then it must be one that says its own checksum.
		want, said, at, err := checksum(bytes.NewReader(data), int64(len(data)))
		if err != nil || want != said || string(data[at:at+int64(len(said))]) != said {
			t.Fatalf("verified: %q", data)
		}
	})
}

func TestAuditNamesWhatIsWrong(t *testing.T) {
	garbage := func(path string) error { return os.WriteFile(path, []byte("PAR1 and then nothing PAR1"), 0o644) }
	for _, tt := range []struct {
		name   string
		damage func(s Store) error
		want   map[string]string // part -> of why
	}{
		{"nothing", func(s Store) error { return nil }, nil},
		{"requests damaged", func(s Store) error { return garbage(s.part(requestsDir, "t0001-c4-r1")) },
			map[string]string{"requests/t0001-c4-r1": "not a part", "runs/t0001-c4-r1": "its requests are gone"}},
		{"samples damaged", func(s Store) error { return garbage(s.part(samplesDir, "t0001")) },
			map[string]string{"samples/t0001": "not a part"}},
		{"requests gone", func(s Store) error { return os.Remove(s.part(requestsDir, "t0001-c4-r1")) },
			map[string]string{"runs/t0001-c4-r1": "its requests are gone"}},
		{"a run that was not finished", func(s Store) error { return os.Remove(s.part(runsDir, "t0002-c4-r1")) },
			map[string]string{"requests/t0002-c4-r1": "not finished"}},
		{"requests under another name", func(s Store) error {
			return os.Rename(s.part(requestsDir, "t0001-c4-r1"), s.part(requestsDir, "t0003-c4-r1"))
		}, map[string]string{"requests/t0003-c4-r1": "it holds t0001-c4-r1", "runs/t0001-c4-r1": "its requests are gone"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := smallStudy(t)
			s.StudyID = "s"
			if err := tt.damage(s); err != nil {
				t.Fatal(err)
			}
			runs, _, err := s.Runs()
			if err != nil {
				t.Fatal(err)
			}
			bad, err := s.Audit(runs)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range bad {
				id := strings.TrimSuffix(strings.TrimPrefix(b.Path, s.Dir+"/"), ".parquet")
				if why := tt.want[id]; why == "" || !strings.Contains(b.Why, why) {
					t.Errorf("%s: %s", id, b.Why)
				}
				delete(tt.want, id)
				if _, err := s.SetAside(b); err != nil {
					t.Error(err)
				}
			}
			if len(tt.want) > 0 {
				t.Errorf("not named: %v", tt.want)
			}
			if runs, _, err = s.Runs(); err != nil {
				t.Fatal(err)
			}
			if bad, err := s.Audit(runs); err != nil || len(bad) > 0 {
				t.Errorf("after all was set aside: %v, %v", bad, err)
			}
		})
	}
}

func TestForeignPartsAreNamed(t *testing.T) {
	s, other := smallStudy(t), smallStudy(t)
	s.StudyID = "s"
	addTrial(t, other, "t0007")
	foreign, err := os.ReadFile(other.part(trialsDir, "t0007"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.part(trialsDir, "t0003"), foreign, 0o644); err != nil {
		t.Fatal(err)
	}
	trials, bad, err := s.Trials()
	if err != nil || len(trials) != 2 || len(bad) != 1 || !strings.Contains(bad[0].Why, "it holds t0007") {
		t.Errorf("renamed: %d trials, %v, %v", len(trials), bad, err)
	}
	s.StudyID = "another"
	if trials, bad, err := s.Trials(); err != nil || len(trials) != 0 || len(bad) != 3 || !strings.Contains(bad[0].Why, "of study s, and this is another") {
		t.Errorf("of another study: %d trials, %v, %v", len(trials), bad, err)
	}
}

func TestSetAsideKeepsEverything(t *testing.T) {
	s := smallStudy(t)
	for i, want := range []string{"t0001.parquet", "t0001.parquet.2", "t0001.parquet.3"} {
		path := s.part(trialsDir, "t0001")
		if err := os.WriteFile(path, fmt.Append(nil, i), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := s.SetAside(&BadPart{Path: path})
		if err != nil || got != filepath.Join(s.Dir, "damaged", "trials", want) {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
		if data, err := os.ReadFile(got); err != nil || string(data) != fmt.Sprint(i) {
			t.Errorf("%q, %v", data, err)
		}
	}
	if _, err := s.SetAside(&BadPart{s.part(runsDir, packedID), "damaged"}); err == nil || !strings.Contains(err.Error(), "restore it") {
		t.Errorf("a packed file was set aside: %v", err)
	}
}

func TestAuditSweepsHalfWrittenFiles(t *testing.T) {
	s := smallStudy(t)
	tmp := filepath.Join(s.Dir, requestsDir, tmpPrefix+"123")
	if err := os.WriteFile(tmp, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Audit(nil); err != nil || exists(tmp) {
		t.Errorf("err %v; still there: %v", err, exists(tmp))
	}
}
