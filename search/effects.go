package search

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"harness/search/gp"
	"harness/space"

	"gonum.org/v1/gonum/stat"
)

// Effect is what a model of the measurements says of one parameter at one load: how far
// it moves an objective, and each of its values against the default's.
type Effect struct {
	Param     string
	Load      Load
	Objective int // 0: TTFT, 1: TPS
	// Factor is by how much the parameter moves the objective: the standard deviation of
	// its logarithm over the values that are valid, all else alike, as a factor of 1 or
	// more: of what the model expects, with the bounds of what it believes possible.
	Factor Likely
	Values []ValueEffect // those that are valid beside the default's
}

// ValueEffect is the ratio of an objective with a value to that with the parameter's
// default, all else alike, averaged over configurations in which both are valid.
type ValueEffect struct {
	Value    space.Value
	Ratio    Likely
	Measured int // configurations with the value that worked
}

// Likely is the median of what a model believes, and the bounds of 95 % of it.
type Likely struct{ Value, Low, High float64 }

const (
	// effectInputs bounds the inputs of one parameter's estimate: values times the
	// configurations that they are tried in, whose number it decides.
	effectInputs = 96
	leastAround  = 8

	effectDraws = 256

	// effectObservations is how many measured points the model takes, chosen at random
	// where there are more: then it is fitted in a second.
	effectObservations = 300

	effectStream = 1 << 59 // numbers the random streams of effects, away from those of asks
)

// Effects fits a Gaussian process as a search does to what was told, and asks it about
// each parameter that has a choice, at each load that was measured. There are none where
// fewer configurations worked than a search has before it follows its model. Of many
// measured points it takes 300, at random; points tells how many it took.
//
// A parameter is changed alone, in configurations drawn uniformly from the lattice;
// where a change would break a rule, or a rewrite would undo it, the configuration is
// left out of the average. Intervals are those of the model's belief: they know nothing
// of a model that is wrong.
func Effects(l *space.Lattice, told []Told, seed uint64) (effects []Effect, points int, err error) {
	h, e := newHistory(l, nil), newEncoder(l)
	for _, t := range told {
		if err := h.check(t.Rank); err != nil {
			return nil, 0, err
		}
		if err := t.Outcome.validate(nil); err != nil {
			return nil, 0, fmt.Errorf("configuration %s: %w", t.Rank, err)
		}
		h.tell(t.Rank, t.Outcome)
	}
	if h.working() < SeedSize {
		return nil, 0, nil
	}
	m, err := newEffectModel(h, e, seed)
	if err != nil {
		return nil, 0, err
	}
	for k := range e.tuned {
		for _, load := range m.loads {
			for axis := range m.costs {
				effects = append(effects, Effect{Param: l.Params()[e.tuned[k]].Name, Load: load, Objective: axis})
			}
		}
	}
	var jobs sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range effects {
		slots <- struct{}{}
		jobs.Go(func() {
			m.fill(&effects[i], e.tuned[i/(len(m.loads)*len(m.costs))], stream(seed, effectStream+uint64(i)))
			<-slots
		})
	}
	jobs.Wait()
	return slices.DeleteFunc(effects, func(f Effect) bool { return len(f.Values) == 0 }), m.points, nil
}

// effectModel is what effects are asked of.
type effectModel struct {
	encoder  *encoder
	costs    [2]*gp.Model
	points   int // that they were fitted to
	loads    []Load
	around   []space.Point // in which parameters are changed
	measured [][]int       // by parameter and value: configurations that worked
}

func newEffectModel(h *history, e *encoder, seed uint64) (*effectModel, error) {
	samples := h.samples(e)
	rng := stream(seed, effectStream-1)
	m := &effectModel{encoder: e, loads: loads(samples), measured: make([][]int, len(e.lattice.Params()))}
	rng.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
	m.points = min(len(samples), effectObservations)
	var fits sync.WaitGroup
	var errs [2]error
	for axis := range m.costs {
		fits.Go(func() {
			d := gp.Data{Categorical: e.categorical}
			for _, s := range samples[:m.points] {
				d.X, d.Y, d.Noise = append(d.X, s.x), append(d.Y, s.costs[axis]), append(d.Noise, s.variance[axis])
			}
			m.costs[axis], errs[axis] = gp.Fit(d)
		})
	}
	for range effectInputs / 2 {
		m.around = append(m.around, e.lattice.Unrank(e.lattice.Sample(rng), nil))
	}
	for i, p := range e.lattice.Params() {
		m.measured[i] = make([]int, len(p.Values))
	}
	for _, r := range h.told.ascending() {
		if h.records[r].ok() {
			for i, v := range e.lattice.Unrank(r, nil) {
				m.measured[i][v]++
			}
		}
	}
	fits.Wait()
	return m, errors.Join(errs[:]...)
}

// fill asks the model about a parameter.
func (m *effectModel) fill(f *Effect, param int, rng *rand.Rand) {
	values := m.encoder.lattice.Params()[param].Values
	x, at := m.inputs(f.Load, param, len(values))
	if len(x) == 0 {
		return
	}
	draws := joint(m.costs[f.Objective], x, effectDraws, rng)
	spreads, expected := make([]float64, len(draws)), make([]float64, len(x))
	for s, y := range draws {
		spreads[s] = math.Exp(spread(y, at))
		for i, v := range y {
			expected[i] += v / float64(len(draws))
		}
	}
	f.Factor = likely(spreads)
	// What is expected: a single draw has the spread of what is not known besides.
	f.Factor.Value = math.Exp(spread(expected, at))
	f.Factor.Low = min(f.Factor.Low, f.Factor.Value)
	sign := 1 - 2*float64(f.Objective) // a cost is the logarithm of TTFT, or minus that of TPS
	standard := int(m.encoder.lattice.Default()[param])
	for v, value := range values {
		ratios := make([]float64, len(draws))
		for s, y := range draws {
			d, n := 0.0, 0.0
			for _, of := range at {
				if of[v] >= 0 && of[standard] >= 0 {
					d += y[of[v]] - y[of[standard]]
					n++
				}
			}
			ratios[s] = math.Exp(sign * d / n)
		}
		if !math.IsNaN(ratios[0]) {
			f.Values = append(f.Values, ValueEffect{Value: value, Ratio: likely(ratios), Measured: m.measured[param][v]})
		}
	}
}

// inputs are configurations with each value of a parameter, and the index of each by
// configuration and value; -1 where it cannot be. There are none where nowhere two values
// can be exchanged.
func (m *effectModel) inputs(load Load, param, values int) (x [][]float64, at [][]int) {
	l := m.encoder.lattice
	for _, p := range m.around {
		if len(at) >= max(leastAround, effectInputs/values) {
			break
		}
		of := slices.Repeat([]int{-1}, values)
		found := 0
		for v := range of {
			q := slices.Clone(p)
			q[param] = uint8(v)
			if q = l.Canon(q); l.Contains(q) && int(q[param]) == v {
				of[v] = len(x)
				found++
				x = append(x, m.encoder.encode(q, load))
			}
		}
		if found < 2 {
			x = x[:len(x)-found]
			continue
		}
		at = append(at, of)
	}
	return x, at
}

// spread is the standard deviation over the values, root mean square over configurations.
func spread(y []float64, at [][]int) float64 {
	sum := 0.0
	for _, of := range at {
		var ys []float64
		for _, i := range of {
			if i >= 0 {
				ys = append(ys, y[i])
			}
		}
		sum += stat.PopVariance(ys, nil)
	}
	return math.Sqrt(sum / float64(len(at)))
}

// joint draws what a model believes of inputs together.
func joint(m *gp.Model, x [][]float64, draws int, rng *rand.Rand) [][]float64 {
	mean, cov := m.Joint(x)
	root := gp.Root(cov)
	all, z := make([][]float64, draws), make([]float64, len(x))
	for s := range all {
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		y := slices.Clone(mean)
		for i, row := range root {
			for j, r := range row[:i+1] {
				y[i] += r * z[j]
			}
		}
		all[s] = y
	}
	return all
}

func likely(xs []float64) Likely {
	slices.Sort(xs)
	q := func(p float64) float64 { return stat.Quantile(p, stat.LinInterp, xs, nil) }
	return Likely{Value: q(0.5), Low: q(0.025), High: q(0.975)}
}
