package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// deliver advances a machine until nothing is left to happen, and returns what it said.
func deliver(m *machine) []emission {
	for m.next() != never {
		m.advance(m.next())
	}
	return slices.Clone(m.out)
}

// tokens returns n ids that count up from first.
func tokens(first, n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(first + i)
	}
	return ids
}

// checkMemory fails where the books of a replica's KV cache do not balance.
func checkMemory(t *rapid.T, r *replica) {
	held, seen := 0, map[*sequence]bool{nil: true}
	for _, q := range slices.Concat(r.waiting, r.running, r.batch, []*sequence{r.chunked}) {
		if !seen[q] {
			held += q.held
			seen[q] = true
		}
	}
	if held != r.held {
		t.Fatalf("sequences hold %d tokens, the books say %d", held, r.held)
	}
	if r.free() < 0 {
		t.Fatalf("%d of %d KV tokens are in use", r.held+r.treeSize(), r.s.mem.tokens)
	}
}

// drawFlags draws a configuration with small limits, which are met often.
func drawFlags(t *rapid.T) flagValues {
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	args := []string{"--sim-rules", "none",
		"--max-total-tokens", pick("kv", "256", "700", "100000"), "--page-size", pick("page", "1", "16", "64"),
		"--chunked-prefill-size", pick("chunk", "-1", "64", "512"), "--schedule-policy", pick("policy", "fcfs", "lpm", "random", "lof", "dfs-weight", "hrrn", "shortest-prefill-first"),
		"--stream-interval", pick("interval", "1", "4"), "--dp-size", pick("dp", "1", "2"), "--pp-size", pick("pp", "1", "2"),
		"--max-running-requests", pick("running", "2", "64"), "--schedule-conservativeness", pick("conservativeness", "0", "1"),
		"--radix-eviction-policy", pick("evict", "lru", "lfu", "slru")}
	for _, flag := range []string{"--enable-mixed-chunk", "--disable-radix-cache"} {
		if rapid.Bool().Draw(t, flag) {
			args = append(args, flag)
		}
	}
	if rapid.Bool().Draw(t, "speculate") {
		args = append(args, "--speculative-algorithm", "NGRAM")
	}
	f, err := parseFlags(args)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Whatever the configuration and the requests, each request gets its tokens, in
// order, and nothing is left held.
func TestEveryRequestIsAnswered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(resolve(gpus[2], models[1], 8, drawFlags(t)), 5, faults{slow: 1})
		want := map[*sequence]int{}
		gone := map[*sequence]bool{}
		now := time.Duration(0)
		for i := range rapid.IntRange(1, 12).Draw(t, "requests") {
			now += time.Duration(rapid.IntRange(0, 40).Draw(t, "gap")) * time.Millisecond
			m.advance(now)
			q := newSequence(tokens(rapid.SampledFrom([]int{0, 5, 1000 * i}).Draw(t, "first"), rapid.IntRange(1, 120).Draw(t, "prompt")), rapid.IntRange(1, 70).Draw(t, "output"), true)
			q.stream = rapid.Bool().Draw(t, "stream")
			want[q] = q.maxNew
			m.submit(q, now)
			if rapid.IntRange(0, 5).Draw(t, "abort") == 0 {
				m.abort(q)
				gone[q] = true
			}
		}
		for steps := 0; m.next() != never; steps++ {
			m.advance(m.next())
			for _, r := range m.replicas {
				checkMemory(t, r)
			}
			if steps > 100000 {
				t.Fatal("it goes on for ever")
			}
		}
		told, ended := map[*sequence]int{}, map[*sequence]bool{}
		for _, e := range m.out {
			if e.tokens <= told[e.seq] || ended[e.seq] {
				t.Fatalf("told of %d tokens after %d (ended: %v)", e.tokens, told[e.seq], ended[e.seq])
			}
			told[e.seq], ended[e.seq] = e.tokens, e.finish != ""
		}
		for q, n := range want {
			if !gone[q] && (told[q] != n || !ended[q]) {
				t.Fatalf("asked for %d tokens, got %d (ended: %v)", n, told[q], ended[q])
			}
		}
		for _, r := range m.replicas {
			if r.held != 0 || r.tree != nil && (r.tree.evictable != r.tree.size) || !r.idle() {
				t.Fatalf("left: %d tokens held, tree %+v", r.held, r.tree)
			}
		}
	})
}

func TestPrefixCacheHits(t *testing.T) {
	for _, page := range []int{1, 16} {
		t.Run(fmt.Sprint("page ", page), func(t *testing.T) {
			m := newMachine(setupOf(t, "--sim-rules", "none", "--page-size", strconv.Itoa(page)), noNoise, faults{slow: 1})
			ask := func(ids []int32) int {
				m.out = nil
				m.submit(newSequence(ids, 4, true), m.clock)
				out := deliver(m)
				return out[len(out)-1].cached
			}
			whole := 99 / page * page // one token is always computed
			for _, tt := range []struct {
				name string
				ids  []int32
				want int
			}{
				{"nothing is known", tokens(0, 100), 0},
				{"the same again", tokens(0, 100), whole},
				{"a common head", append(tokens(0, 40), tokens(5000, 60)...), 40 / page * page},
				{"something else", tokens(9000, 100), 0},
			} {
				if got := ask(tt.ids); got != tt.want {
					t.Errorf("%s: %d tokens cached, want %d", tt.name, got, tt.want)
				}
			}
			if !m.flush() {
				t.Fatal("an idle machine does not flush")
			}
			if got := ask(tokens(0, 100)); got != 0 {
				t.Errorf("after a flush %d tokens are cached", got)
			}
		})
	}
}

func TestFlushWaitsForIdleness(t *testing.T) {
	m := newMachine(setupOf(t, "--sim-rules", "none"), noNoise, faults{slow: 1})
	m.submit(newSequence(tokens(0, 10), 4, true), 0)
	if m.flush() {
		t.Error("flushed while a request is under way")
	}
	deliver(m)
	if !m.flush() {
		t.Error("not flushed when idle")
	}
}

// A cache too small for all that runs takes requests back, and says so.
func TestRetraction(t *testing.T) {
	m := newMachine(setupOf(t, "--sim-rules", "none", "--max-total-tokens", "600", "--schedule-conservativeness", "0"), noNoise, faults{slow: 1})
	for i := range 8 {
		m.submit(newSequence(tokens(1000*i, 50), 100, true), 0)
	}
	finished := 0
	for _, e := range deliver(m) {
		if e.finish == "length" && e.tokens == 100 {
			finished++
		}
	}
	logs := strings.Join(m.takeLogs(), "\n")
	if finished != 8 || m.replicas[0].retracts == 0 || !strings.Contains(logs, "KV cache pool is full. Retract requests.") {
		t.Errorf("%d finished, %d retractions, log:\n%s", finished, m.replicas[0].retracts, logs)
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]faults{
		"":                {slow: 1},
		"slow:4":          {slow: 4},
		"crash":           {kind: "crash", slow: 1},
		"crash@30":        {kind: "crash", after: 30, slow: 1},
		"slow:0.5,hang@2": {kind: "hang", after: 2, slow: 0.5},
	} {
		if got, err := parseFaults(text); err != nil || got != want {
			t.Errorf("parseFaults(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"fire", "slow", "slow:x", "slow:0", "slow:NaN", "crash@x", "crash@-1", "oom:3"} {
		if got, err := parseFaults(text); err == nil {
			t.Errorf("parseFaults(%q) = %+v, want an error", text, got)
		}
	}
}

func TestSchedulePolicies(t *testing.T) {
	for policy, want := range map[string][]int{
		"fcfs":                   {0, 1, 2},
		"lof":                    {1, 2, 0},
		"shortest-prefill-first": {2, 0, 1},
		"lpm":                    {1, 0, 2},
	} {
		r := newReplica(setupOf(t, "--sim-rules", "none", "--schedule-policy", policy), 0, noNoise)
		if r.tree != nil {
			r.tree.insert(tokens(2000, 40), 0)
		}
		queue := []*sequence{newSequence(tokens(1000, 50), 10, true), newSequence(tokens(2000, 60), 30, true), newSequence(tokens(3000, 20), 20, true)}
		r.waiting = slices.Clone(queue)
		r.sortWaiting(time.Second)
		var got []int
		for _, q := range r.waiting {
			got = append(got, slices.Index(queue, q))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s takes %v, want %v", policy, got, want)
		}
	}
}
