//go:build linux

package mock

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestQueueIsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var model []*stream
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			switch k := rapid.IntRange(0, 3).Draw(t, "step"); {
			case k == 0 && len(model) > 0: // a client hangs up
				i := rapid.IntRange(0, len(model)-1).Draw(t, "which")
				q.remove(model[i])
				model = slices.Delete(model, i, i+1)
			case k == 1 && len(q) > 0: // an event is written
				q[0].due += rapid.Int64Range(0, 50).Draw(t, "later")
				q.fix()
			default:
				s := &stream{due: rapid.Int64Range(0, 100).Draw(t, "due")}
				q.push(s)
				model = append(model, s)
			}
			if len(q) != len(model) {
				t.Fatalf("%d streams, want %d", len(q), len(model))
			}
			for i, s := range q {
				if s.place != i || !slices.Contains(model, s) {
					t.Fatalf("stream at %d believes to be at %d", i, s.place)
				}
			}
			for _, s := range model {
				if s.due < q[0].due {
					t.Fatalf("the first is due at %d, and another at %d", q[0].due, s.due)
				}
			}
		}
	})
}
