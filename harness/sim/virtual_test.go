package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A load is a closed loop of requests for a machine in virtual time.
type load struct {
	concurrency, requests, prompt, output int
	sampled                               bool
}

// A result is what a load measured, in seconds and tokens.
type result struct {
	ttftP50, tpot, itlMax, outputTPS, seconds float64
	cached                                    int
	death                                     string
}

// run serves the load without waiting: the next event follows at once.
func (l load) run(m *machine) result {
	rng := rand.New(rand.NewPCG(7, 7))
	type client struct {
		sent, first, last time.Duration
		told              int
	}
	state := map[*sequence]*client{}
	sent, done, tokens := 0, 0, 0
	var ttfts, tpots []float64
	var r result
	now := m.clock
	begin := now
	send := func() {
		ids := make([]int32, l.prompt)
		for i := range ids {
			ids[i] = int32(rng.IntN(m.s.model.vocab))
		}
		q := newSequence(ids, l.output, true)
		q.stream, q.sampled = true, l.sampled
		state[q] = &client{sent: now}
		sent++
		m.submit(q, now)
	}
	for range min(l.concurrency, l.requests) {
		send()
	}
	for done < l.requests && m.next() != never {
		now = m.next()
		m.advance(now)
		out := slices.Clone(m.out)
		m.out = m.out[:0]
		m.takeLogs()
		for _, e := range out {
			c := state[e.seq]
			if c.told == 0 {
				c.first = e.at
				ttfts = append(ttfts, (e.at - c.sent).Seconds())
				r.cached += e.cached
			} else {
				r.itlMax = max(r.itlMax, (e.at - c.last).Seconds())
			}
			tokens += e.tokens - c.told
			c.told, c.last = e.tokens, e.at
			if e.finish != "" {
				if e.tokens > 1 {
					tpots = append(tpots, (e.at-c.first).Seconds()/float64(e.tokens-1))
				}
				delete(state, e.seq)
				done++
				if sent < l.requests {
					send()
				}
			}
		}
	}
	r.death, r.seconds = m.death, (now - begin).Seconds()
	if len(ttfts) > 0 && r.seconds > 0 {
		slices.Sort(ttfts)
		slices.Sort(tpots)
		r.ttftP50, r.outputTPS = ttfts[len(ttfts)/2], float64(tokens)/r.seconds
		if len(tpots) > 0 {
			r.tpot = tpots[len(tpots)/2]
		}
	}
	return r
}

// setupOf resolves a command line, which must be legal.
func setupOf(t testing.TB, args ...string) *setup {
	t.Helper()
	f, err := parseFlags(args)
	if err != nil {
		t.Fatal(err)
	}
	o, err := readOptions(f)
	if err != nil {
		t.Fatal(err)
	}
	m, err := findModel(f.str("sim_model", f.str("model_path", defaultModel)))
	if err != nil {
		t.Fatal(err)
	}
	return resolve(o.gpu, m, o.devices, f)
}

// measure runs a load on a fresh machine without noise.
func measure(t testing.TB, l load, args ...string) result {
	t.Helper()
	s := setupOf(t, append([]string{"--sim-rules", "none"}, args...)...)
	return l.run(newMachine(s, noNoise, faults{slow: 1}))
}
