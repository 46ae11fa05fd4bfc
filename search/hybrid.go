package search

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"harness/space"
)

// SeedSize is the number of configurations that mode hybrid measures before a model is
// believed. On measured tables 6 to 8 do better than 12 to 16.
const SeedSize = 6

const (
	// leastWorking is how many must have worked by then.
	leastWorking = 3

	// exploreEvery: of so many asks one goes to where least is known, so that a model
	// that is sure and wrong is found out: without it the mean number of asks to 95 %
	// of the front of a compressor's recorded table (SS-T) is 37 instead of 29, on
	// serving tables one less.
	exploreEvery = 8

	// shortlist is the number of prospects that the noise-aware acquisition
	// chooses from, with so many draws of the front.
	shortlist      = 256
	frontDraws     = 16
	frontDrawsWide = 64 // for a ladder, whose load points are drawn too

	// negligible is the expected gain below which a search is done, as a share of
	// the front's hypervolume, and leastExplored how many explorations come before.
	negligible    = 0.001
	leastExplored = 3

	// climbers is how many of the best prospects climb from neighbour to
	// neighbour where they are not the whole lattice, for so many steps.
	climbers   = 3
	climbSteps = 12
)

// hybrid asks for a seed design, and then for the configuration that a model of
// what was measured expects to add most to the front.
type hybrid struct {
	lattice *space.Lattice
	seed    uint64
	start   int // configurations of the seed design
	working int // of them that must work before a model follows
	design  *design
	encoder *encoder
	whole   []prospect // the lattice, where all of it is appraised

	outlook *outlook // of the history's version
	version int
}

func newHybrid(e *encoder, h *history, o Options) *hybrid {
	y := &hybrid{
		lattice: e.lattice, seed: o.Seed, start: SeedSize, working: leastWorking, encoder: e,
		design: &design{lattice: e.lattice, seed: o.Seed, size: math.MaxInt, draws: poolSize, shuffled: true},
	}
	if len(h.background.same) >= SeedSize { // the design was measured by another study
		y.start, y.working = 1, 1
	}
	if o.Budget > 0 {
		y.start = min(y.start, o.Budget)
	}
	return y
}

func (y *hybrid) propose(h *history, rng *rand.Rand) (Ask, bool) {
	if !y.follows(h) {
		a, ok := y.design.propose(h, rng)
		a.Purpose = purposeAsk // its source says that it is of the design
		return a, ok
	}
	y.update(h)
	decision := uint64(h.known.len())
	v := y.outlook.mean(y.inputs(h.unmeasured()))
	cs := y.prospects(h, v, rng)
	if len(cs) == 0 {
		return uniform{}.propose(h, rng)
	}
	if decision%exploreEvery == exploreEvery-1 {
		cs, as := v.best(cs, v.appraise(cs, unknown), appraisal.news, 1)
		return y.explore(cs[0], as[0]), true
	}
	c, a, v := y.choose(h, v, cs, v.appraise(cs, sumGain), decision)
	return y.ask(c, a, v), true
}

// follows reports whether a model follows what is known, or the design goes on.
func (y *hybrid) follows(h *history) bool {
	return h.known.len() >= y.start && h.working() >= y.working
}

// choose returns the prospect of the highest worth, and the view that decided.
func (y *hybrid) choose(h *history, v *view, cs []prospect, as []appraisal, decision uint64) (prospect, appraisal, *view) {
	cs, _ = v.best(cs, as, appraisal.worth, shortlist)
	v, gain := y.final(h, decision)
	cs, as = v.best(cs, v.appraise(cs, gain), appraisal.worth, shortlist)
	if y.whole == nil {
		cs, as = y.climb(h, v, cs, as, gain)
	}
	i := top(as, appraisal.worth)
	return cs[i], as[i], v
}

// finished reports whether the model expects next to nothing of what is left. It
// is asked only after some explorations, so that it was put to the test.
func (y *hybrid) finished(h *history) (reason string, done bool) {
	if !y.follows(h) || h.told.len() < leastExplored*exploreEvery {
		return "", false
	}
	y.update(h)
	decision := uint64(h.known.len())
	v := y.outlook.mean(nil)
	cs := y.prospects(h, v, stream(y.seed, decision))
	if len(cs) == 0 {
		return "", false
	}
	_, a, v := y.choose(h, v, cs, v.appraise(cs, sumGain), decision)
	gain := a.share(v.area)
	if gain >= negligible {
		return "", false
	}
	return fmt.Sprintf("the best configuration left is expected to add %.2g %% to the hypervolume of the front, less than %g %%", 100*gain, 100*negligible), true
}

// update fits the models to the history, unless they are.
func (y *hybrid) update(h *history) {
	if y.outlook == nil || y.version != h.version {
		y.outlook = newOutlook(h, y.encoder, y.seed)
		y.version = h.version
	}
}

// inputs of configurations at all loads.
func (y *hybrid) inputs(ranks []space.Rank) [][]float64 {
	var x [][]float64
	for _, r := range ranks {
		p := y.lattice.Unrank(r, nil)
		for _, load := range y.outlook.loads {
			x = append(x, y.encoder.encode(p, load))
		}
	}
	return x
}

// final is the view that decides, and how gains are computed in it.
func (y *hybrid) final(h *history, decision uint64) (*view, estimate) {
	pending := y.inputs(h.unmeasured())
	rng := stream(y.seed, drawStream+decision)
	if k := len(y.outlook.loads); k > 1 {
		return y.outlook.draw(pending, frontDrawsWide, rng), setGain(k, frontDrawsWide, rng)
	}
	return y.outlook.draw(pending, frontDraws, rng), sumGain
}

// drawStream numbers the random streams of draws, away from those of asks.
const drawStream = 1 << 61

// explore asks for the prospect of which least is known.
func (y *hybrid) explore(c prospect, a appraisal) Ask {
	return Ask{
		Rank: c.rank, Purpose: purposeAsk, Source: SourceExploration, Success: a.success,
		Reason: fmt.Sprintf("exploration: least is known here; works with probability %.2f", a.success),
	}
}

func (y *hybrid) ask(c prospect, a appraisal, v *view) Ask {
	gain := a.share(v.area)
	return Ask{
		Rank: c.rank, Purpose: purposeAsk, Source: SourceModel, Gain: gain, Success: a.success,
		Reason: fmt.Sprintf("model: expected gain %.2g %% of the front's hypervolume; works with probability %.2f", 100*gain, a.success),
	}
}

// climb lets the best prospects move to their best neighbour while that is
// better, and returns all with the places reached.
func (y *hybrid) climb(h *history, v *view, cs []prospect, as []appraisal, gain estimate) ([]prospect, []appraisal) {
	g := &gatherer{encoder: y.encoder, known: &h.known, seen: make(map[space.Rank]bool)}
	for _, c := range cs {
		g.seen[c.rank] = true
	}
	for i := range min(climbers, len(cs)) { // they are in order
		at, worth := cs[i].rank, as[i].worth()
		for range climbSteps {
			g.found = nil
			for _, r := range y.lattice.Neighbors(y.lattice.Unrank(at, nil)) {
				g.add(r)
			}
			next, found := v.best(g.found, v.appraise(g.found, gain), appraisal.worth, 1)
			if len(next) == 0 || found[0].worth() <= worth {
				break
			}
			at, worth = next[0].rank, found[0].worth()
			cs, as = append(cs, next[0]), append(as, found[0])
		}
	}
	return cs, as
}

// ranking are the indices of appraisals in order of value, the highest first.
func ranking(as []appraisal, value func(appraisal) float64) []int {
	values := make([]float64, len(as))
	order := make([]int, len(as))
	for i, a := range as {
		values[i], order[i] = value(a), i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(values[j], values[i]) })
	return order
}

// top is the index of the highest value, the first of equal ones.
func top(as []appraisal, value func(appraisal) float64) int {
	at, highest := 0, math.Inf(-1)
	for i, a := range as {
		if v := value(a); v > highest {
			at, highest = i, v
		}
	}
	return at
}
