package results

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A row's image says what its columns say.
func TestImageIsTheRow(t *testing.T) {
	s := testStore(t)
	rate := 2.5
	trial := testTrial()
	trial.LogTail, trial.EffectiveConfig = "harness.row row:AAAA.\nÿ\x00", `{"a": 1}`
	trial.Params = append(trial.Params, Param{Name: "large", Type: IntColumn, Value: int64(math.MaxInt64)})
	bare := Trial{StudyID: "s", TrialID: "t0002", StartedAt: time.Unix(0, 0).UTC()}
	run := Run{StudyID: "s", TrialID: "t0001", RunID: "t0001-r2.5-r1", Rate: &rate, ClientErrorP99: math.NaN(), TTFTP50S: math.Inf(1),
		StartedAt: time.Date(2026, 11, 24, 1, 2, 3, 4000, time.UTC), InvalidReason: "why: because."}
	for _, err := range []error{s.WriteTrial(trial), s.WriteTrial(bare), s.WriteRun(run, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sameRow(t, trialTable, s, "t0001", trial)
	sameRow(t, trialTable, s, "t0002", bare)
	sameRow(t, runTable, s, run.RunID, run)
}

// sameRow compares what was written with a part's image and with its columns.
func sameRow[T any](t *testing.T, table table[T], s Store, id string, want T) {
	t.Helper()
	p, err := verifiedPart(s.part(table.name, id))
	if err != nil {
		t.Fatal(err)
	}
	image, ok := table.image(p)
	if !ok {
		t.Fatalf("%s has no image", id)
	}
	if err := p.parse(); err != nil {
		t.Fatal(err)
	}
	columns, err := table.read(p)
	if err != nil {
		t.Fatal(err)
	}
	options := cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b Param) bool { return a.Name < b.Name })}
	for what, got := range map[string][]T{"image": image, "columns": columns} {
		if diff := cmp.Diff([]T{want}, got, options); diff != "" {
			t.Errorf("%s of %s (-written +read)\n%s", what, id, diff)
		}
	}
}

// An image of other columns, or a broken one, is not used: the columns are read.
func TestForeignImageIsNotUsed(t *testing.T) {
	m := newImages(runSchema)
	image, err := m.of(&Run{RunID: "r"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	footer := []byte("what comes before" + imageKey + image + "and after")
	var run Run
	if _, ok := m.restore(findImage(footer), &run); !ok || run.RunID != "r" {
		t.Fatalf("a good image: %v, %+v", ok, run)
	}
	if _, ok := newImages(trialSchema).restore(findImage(footer), &Trial{}); ok {
		t.Error("a run's image became a trial")
	}
	for _, text := range []string{"", imageKey, imageKey + imagePrefix, imageKey + imagePrefix + "AAAA", imageKey + imagePrefix + "?" + imageEnd,
		imageKey + image[:len(image)-2], imageKey + strings.Replace(image, image[40:44], "AAAA", 1)} {
		if _, ok := m.restore(findImage([]byte(text)), &Run{}); ok {
			t.Errorf("%q was used", text)
		}
	}
	whole, err := codec.Decode(nil, findImage(footer))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) - len("null") { // the parameters come last
		cut, err := codec.Encode(nil, slices.Clone(whole[:n]))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.restore(cut, &Run{}); ok {
			t.Errorf("%d of %d bytes were used", n, len(whole))
		}
	}
}
