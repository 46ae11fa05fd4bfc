package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"harness/harness/load"
	"harness/results"
)

// drawRecord is any record that a run can give.
func drawRecord(t *rapid.T, index int) load.Record {
	ns := rapid.Int64Range(-1, 1e12)
	r := load.Record{Index: index, Class: rapid.SampledFrom([]string{"", load.ClassReset}).Draw(t, "class"), Error: "e", FinishReason: "length", Status: 200, ConnReused: true, Reads: 3,
		PromptTokens: rapid.IntRange(-1, 9).Draw(t, "prompt"), OutputTokens: 5, CachedTokens: -1, RequestedTokens: 6}
	var row results.Request
	for _, at := range times(&row, &r) {
		*at.record = ns.Draw(t, "time")
	}
	for range rapid.IntRange(0, 12).Draw(t, "events") {
		kind := load.ChunkKind(rapid.IntRange(0, 9).Draw(t, "kind"))
		tokens := int32(rapid.IntRange(0, 2).Draw(t, "tokens"))
		r.ChunkNS, r.ChunkTokens = append(r.ChunkNS, ns.Draw(t, "time")), append(r.ChunkTokens, tokens)
		r.ChunkKind, r.ChunkRead = append(r.ChunkKind, kind), append(r.ChunkRead, int32(len(r.ChunkNS)))
	}
	if rapid.Bool().Draw(t, "kernel") {
		for range r.ChunkNS {
			r.ChunkUserNS = append(r.ChunkUserNS, ns.Draw(t, "user"))
		}
	}
	return r
}

// Records that went through a Parquet part are what they were, so that metrics from
// the file are those of the run, to the bit.
func TestRecordsSurviveTheFile(t *testing.T) {
	var want []load.Record
	for i := range 200 {
		want = append(want, rapid.Custom(func(t *rapid.T) load.Record { return drawRecord(t, i) }).Example(i))
	}
	store := testStore(t)
	if err := store.WriteRun(results.Run{RunID: "x"}, RequestRows(results.Request{RunID: "x", API: "chat"}, want)); err != nil {
		t.Fatal(err)
	}
	rows, err := store.Requests("x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, Records(rows), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}

func TestSharedTokens(t *testing.T) {
	prompts := []load.Prompt{{}, {SharedTokens: 40}, {SharedTokens: 40}, {After: 1, AppendAnswer: true, SharedTokens: 9}}
	records := []load.Record{{PromptTokens: 7, OutputTokens: 4}, {}, {Class: load.ClassReset}, {}}
	if got := sharedTokens(prompts, records); got != 40+11 {
		t.Errorf("%d tokens, want 51: one that shares 40, and a turn after 7 and 4", got)
	}
	prompts[0].SharedTokens = -1
	if got := sharedTokens(prompts, records); got != -1 {
		t.Errorf("%d tokens, want -1: not known", got)
	}
}
