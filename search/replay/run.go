package replay

import (
	"context"
	"fmt"
	"time"

	"harness/search"
	"harness/search/pareto"
	"harness/space"
)

// Run is one search with one seed.
type Run struct {
	Method string
	Seed   uint64
	Asks   []Ask
	Front  []FrontPoint // what it reports of the front, where its measurements have noise
}

// Ask is one question of a search, and what came of it.
type Ask struct {
	Rank    uint64
	Purpose string
	Failed  bool
	HV      float64 // share of the true front's hypervolume after it, by true values
	Seconds float64 // that the search took to choose
}

// target is the share of the true front's hypervolume that n95 asks for.
const target = 0.95

// N95 is the number of asks after which the share was 0.95 or more, 0 if it never was.
func (r *Run) N95() int {
	for i, a := range r.Asks {
		if a.HV >= target {
			return i + 1
		}
	}
	return 0
}

// Unique is the number of different configurations asked for.
func (r *Run) Unique() int {
	seen := map[uint64]bool{}
	for _, a := range r.Asks {
		seen[a.Rank] = true
	}
	return len(seen)
}

// Failed is the number of asks after the first `after` that failed.
func (r *Run) Failed(after int) int {
	n := 0
	for i, a := range r.Asks {
		if i >= after && a.Failed {
			n++
		}
	}
	return n
}

// confirmed is the number of its asks that confirm what was measured.
func (r *Run) confirmed() int {
	n := 0
	for _, a := range r.Asks {
		if a.Purpose == confirmPurpose {
			n++
		}
	}
	return n
}

// confirmPurpose is the purpose of the asks of search.Searcher.Confirm.
const confirmPurpose = "confirm"

// search runs one method with one seed until it has spent the budget or has nothing
// left to ask for.
func (p *Problem) search(ctx context.Context, o Options, method search.Mode, seed uint64) (Run, error) {
	run := Run{Method: string(method), Seed: seed}
	lattice, err := p.compile(seed)
	if err != nil {
		return run, err
	}
	s, err := search.New(lattice, search.Options{Mode: method, Seed: seed, Budget: o.Budget})
	if err != nil {
		return run, err
	}
	m := p.newMeter(o.NoiseCV, seed)
	for _, phase := range []struct {
		ask  func(int) []search.Ask
		most int
	}{{s.Ask, o.Budget}, {s.Confirm, o.Confirm}} {
		for range phase.most {
			if err := ctx.Err(); err != nil {
				return run, err
			}
			start := time.Now()
			asks := phase.ask(1)
			took := time.Since(start).Seconds()
			if len(asks) == 0 {
				break
			}
			a := asks[0]
			if err := s.Tell(a.Rank, m.measure(a.Rank)); err != nil {
				return run, fmt.Errorf("%s, seed %d, ask %d: %w", method, seed, len(run.Asks)+1, err)
			}
			run.Asks = append(run.Asks, Ask{Rank: a.Rank.Lo, Purpose: a.Purpose, Failed: p.configs[a.Rank.Lo].failure != "", Seconds: took})
		}
	}
	p.scoreAsks(run.Asks)
	if o.NoiseCV != nil {
		run.Front = p.judge(s.Front(), run.Asks)
	}
	return run, nil
}

// scoreAsks fills in the share after each ask.
func (p *Problem) scoreAsks(asks []Ask) {
	var front []pareto.Point // of what was found so far
	share := 0.0
	for i := range asks {
		if !asks[i].Failed {
			front = append(front, p.score.costs[asks[i].Rank])
			front = pick(front, goals.Front(front))
			share = goals.Hypervolume(front, p.score.reference) / p.score.all
		}
		asks[i].HV = share
	}
}

func pick(points []pareto.Point, indices []int) []pareto.Point {
	picked := make([]pareto.Point, len(indices))
	for k, i := range indices {
		picked[k] = points[i]
	}
	return picked
}

// rankOfRow is the configuration of a row, the first being 1.
func (p *Problem) rankOfRow(row int) (space.Rank, error) {
	if row < 1 || row > len(p.rankOf) {
		return space.Rank{}, fmt.Errorf("row %d: table %s has rows 1 to %d", row, p.Table, len(p.rankOf))
	}
	return p.rankOf[row-1], nil
}
