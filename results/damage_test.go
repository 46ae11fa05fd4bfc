package results

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
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

// A part of any table, or a packed file, that was cut off anywhere, or has a flipped bit
// anywhere, is never read as good data.
func TestDamagedFileIsNeverReadAsGood(t *testing.T) {
	for table, id := range map[string]string{trialsDir: "t0002", runsDir: "t0002-c4-r1", requestsDir: "t0002-c4-r1", samplesDir: "t0002"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			others := 0 // rows of other parts that the same reader gives
			if table == trialsDir || table == runsDir {
				others = 1
			}
			s := smallStudy(t)
			neverReadAsGood(t, damaged{s, table, id, s.part(table, id), others})
		})
		t.Run(table+" packed", func(t *testing.T) {
			t.Parallel()
			s := smallStudy(t)
			pack(t, s)
			neverReadAsGood(t, damaged{s, table, id, s.PackedPath(table), 0})
		})
	}
}

// damaged is what is damaged, and how it is read.
type damaged struct {
	store     Store
	table, id string
	path      string
	others    int // rows that stay
}

// refused fails where the file with this content is not refused; through tells whether
// the readers are asked too, through the file system.
func (d damaged) refused(t *testing.T, data []byte, through bool, what string, at int) {
	t.Helper()
	if verify(bytes.NewReader(data), int64(len(data))) == nil {
		t.Fatalf("%s %d: verified", what, at)
	}
	if !through {
		return
	}
	if err := os.WriteFile(d.path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	rows, bad, err := d.store.reads(d.table, d.id)
	if err != nil || rows != d.others || bad == nil || bad.Path != d.path {
		t.Fatalf("%s %d: read %d rows, bad %v, err %v", what, at, rows, bad, err)
	}
}

// neverReadAsGood damages each byte of a small file in turn.
func neverReadAsGood(t *testing.T, d damaged) {
	good, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	whole, bad, err := d.store.reads(d.table, d.id)
	if bad != nil || err != nil || whole == 0 {
		t.Fatalf("the whole file: %d rows, %v, %v", whole, bad, err)
	}
	for i := range good {
		now := i%997 == 0 || *everyBit
		d.refused(t, good[:i], now, "cut at", i)
		for bit := range 8 {
			if bit == i%8 || *everyBit {
				flipped := slices.Clone(good)
				flipped[i] ^= 1 << bit
				d.refused(t, flipped, now, "flipped byte", i)
			}
		}
	}
	d.refused(t, append(slices.Clone(good), 0), true, "followed by byte", len(good))
}

// The same of a packed file that is read in stretches, at bytes drawn at random.
func TestDamagedLargePackedFile(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	trial := testTrial()
	trial.TrialID = "t0001"
	if err := s.WriteTrial(trial); err != nil {
		t.Fatal(err)
	}
	ids := []string{"t0001-c64-r1", "t0001-c64-r2", "t0001-c64-r3"}
	for i, id := range ids {
		rows := largeRun(id, 1200+200*i, false)
		if err := s.WriteRun(Run{StudyID: "s", TrialID: "t0001", RunID: id, Requests: int32(len(rows)), StartedAt: time.Unix(1, 0).UTC()}, rows); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string][]Request{}
	for _, id := range ids {
		rows, err := s.Requests(id)
		if err != nil {
			t.Fatal(err)
		}
		want[id] = rows
	}
	pack(t, s)
	path := s.PackedPath(requestsDir)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader := s.Reader()
	defer reader.Close()
	parallel(len(ids), func(i int) {
		if got, err := reader.Requests(ids[i]); err != nil || !reflect.DeepEqual(want[ids[i]], got) {
			t.Errorf("%s: %d of %d requests, or others, %v", ids[i], len(got), len(want[ids[i]]), err)
		}
	})
	if groups := reader.requests.part.RowGroups(); len(groups) < 2 {
		t.Fatalf("%d row groups in %d bytes: too small to show anything", len(groups), len(good))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	d := damaged{s, requestsDir, ids[1], path, 0}
	for k := range 20 {
		i := rng.IntN(len(good))
		d.refused(t, good[:i], k%10 == 0, "cut at", i)
		flipped := slices.Clone(good)
		flipped[i] ^= 1 << rng.IntN(8)
		d.refused(t, flipped, k%10 == 0, "flipped byte", i)
	}
	// What a reader has opened and found whole it does not verify again.
	if got, err := reader.Requests(ids[2]); err != nil || len(got) != len(want[ids[2]]) {
		t.Errorf("of an open file: %d requests, %v", len(got), err)
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
