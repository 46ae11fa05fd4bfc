package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"harness/space"
)

// maxExhaustive is the most configurations that an exhaustive search takes. At a
// minute each, a million take two years.
const maxExhaustive = 1_000_000

// tour visits every configuration once: the default first, then the others in
// the order of a reflected Gray code in which the parameters of the highest
// impact change most seldom. Trials that follow each other then differ in little,
// and those that share what a launch is slow at (how the model is split, what is
// compiled for it) come together, while caches of it are warm.
type tour struct {
	lattice *space.Lattice
	order   []space.Rank // made at the first ask
	next    int          // all before it are known
}

func newTour(l *space.Lattice) (*tour, error) {
	if l.Count().Cmp(space.RankOf(maxExhaustive)) > 0 {
		return nil, fmt.Errorf("exhaustive search of %s configurations: %d are the most; tune fewer parameters or restrict their values, or choose mode %s or %s",
			l.Count(), maxExhaustive, SeedDesign, NSGA2)
	}
	return &tour{lattice: l}, nil
}

func (t *tour) propose(h *history, _ *rand.Rand) (Ask, bool) {
	if t.order == nil {
		t.order = tourOrder(t.lattice)
	}
	for ; t.next < len(t.order); t.next++ {
		if r := t.order[t.next]; !h.known.has(r) {
			reason := fmt.Sprintf("%d of all %d", t.next+1, len(t.order))
			if t.next == 0 {
				reason = defaultReason(t.lattice)
			}
			return Ask{Rank: r, Purpose: purposeSeed, Source: SourceOrder, Reason: reason}, true
		}
	}
	return Ask{}, false
}

func tourOrder(l *space.Lattice) []space.Rank {
	type stop struct {
		rank  space.Rank
		point space.Point
	}
	first, _ := l.Rank(l.Default())
	var stops []stop
	for r, p := range l.All() {
		if r != first {
			stops = append(stops, stop{r, slices.Clone(p)})
		}
	}
	byImpact := paramsByImpact(l)
	slices.SortFunc(stops, func(a, b stop) int { return compareGray(a.point, b.point, byImpact) })
	order := []space.Rank{first}
	for _, s := range stops {
		order = append(order, s.rank)
	}
	return order
}

// compareGray orders points by the digits' reflected Gray code: each digit runs
// up and down by turns, down where the sum of the digits before it is odd, so
// that where it turns only the digit before it changes.
func compareGray(a, b space.Point, digits []int) int {
	odd := false
	for _, i := range digits {
		if a[i] != b[i] {
			if odd {
				return cmp.Compare(b[i], a[i])
			}
			return cmp.Compare(a[i], b[i])
		}
		odd = odd != (a[i]%2 == 1)
	}
	return 0
}

// paramsByImpact returns the indices of the tuned parameters, highest impact
// first (1 is the highest), those of unknown impact (0) last.
func paramsByImpact(l *space.Lattice) []int {
	params := l.Params()
	tuned := tunedParams(params)
	slices.SortStableFunc(tuned, func(i, j int) int {
		a, b := params[i].Impact, params[j].Impact
		if (a == 0) != (b == 0) {
			return cmp.Compare(b, a)
		}
		return cmp.Compare(a, b)
	})
	return tuned
}

// tunedParams returns the indices of the parameters that have a choice.
func tunedParams(params []space.Param) []int {
	var tuned []int
	for i, p := range params {
		if len(p.Values) > 1 {
			tuned = append(tuned, i)
		}
	}
	return tuned
}
