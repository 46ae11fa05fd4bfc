package stop

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"harness/results/stat"
)

var studies = flag.Int("studies", 4, "simulated studies of each kind: 2000 for the figures of the documentation")

// world is a machine on which configs are measured whose truth is known. Spreads are
// standard deviations of logs.
type world struct {
	name               string
	launch, run, block float64
	drift              float64 // of the machine, over the whole study
	differ             float64 // configs, in each objective
	saves              float64 // at least this share of ten runs each
}

const (
	worldConfigs = 40
	sentinelGap  = 5 // configs from one launch of the baseline to the next
)

// simulation is one study: configs are measured one after another, as harness does, and
// the rule knows what was measured before.
type simulation struct {
	world
	rng      *rand.Rand
	truth    [][2]float64 // logs of TTFT and TPS
	blocks   [10]float64
	measured []Config
	sentinel Config
	verdicts []Verdict
	taken    []Taken
	held, n  int // intervals that hold their launch's truth, where the rule stopped without a rival
}

func simulate(w world, seed uint64) *simulation {
	s := &simulation{world: w, rng: rand.New(rand.NewPCG(seed, 1))}
	for range worldConfigs {
		s.truth = append(s.truth, [2]float64{w.differ * s.rng.NormFloat64(), w.differ * s.rng.NormFloat64()})
	}
	for i := range s.blocks {
		s.blocks[i] = w.block * s.rng.NormFloat64()
	}
	for id := range s.truth {
		if id%sentinelGap == 0 {
			launch := s.draw()
			for k := range 3 {
				s.sentinel.Runs = append(s.sentinel.Runs, s.measure(0, k, fmt.Sprint("s", id), launch))
			}
		}
		s.config(id)
	}
	return s
}

func (s *simulation) draw() [2]float64 {
	return [2]float64{s.launch * s.rng.NormFloat64(), s.launch * s.rng.NormFloat64()}
}

// measure makes one run. TTFT is the median of requests whose neighbours are alike
// (AR(1)); block and drift act on both objectives.
func (s *simulation) measure(id, k int, name string, launch [2]float64) Run {
	z, waits := s.rng.NormFloat64(), make([]float64, 64)
	for i := range waits {
		waits[i] = math.Exp(0.1 * z)
		z = 0.7*z + math.Sqrt(1-0.49)*s.rng.NormFloat64()
	}
	common := s.blocks[k] + s.drift*float64(len(s.measured))/worldConfigs
	value := func(m int) float64 { return math.Exp(s.truth[id][m] + launch[m] + common + s.run*s.rng.NormFloat64()) }
	return Run{Launch: name, Block: int64(k), Values: []float64{value(0) * stat.Quantile(waits, 0.5), value(1)}}
}

// config measures one config until the rule says that it is enough.
func (s *simulation) config(id int) {
	rule := Rule{Metrics: objectives(stat.Noise{})}
	for m := range rule.Metrics {
		rule.Metrics[m].Noise = s.noise(m)
	}
	front := s.front()
	c := Config{ID: fmt.Sprint(id)}
	launch := s.draw()
	v := Verdict{Decision: Continue}
	for k := 0; v.Decision == Continue; k++ {
		run := s.measure(id, k, c.ID, launch)
		if v = rule.Hopeless(run.Values, front, len(s.measured)); v.Decision != Continue {
			s.taken = append(s.taken, Taken{Runs: k + 1, Seconds: float64(k + 1)})
			s.verdicts = append(s.verdicts, v)
			return // cut short: there is no run to keep
		}
		c.Runs = append(c.Runs, run)
		v = rule.Decide(c, front, len(s.measured))
	}
	if v.Decision == Precise || v.Decision == Capped {
		s.n++
		mean := 0.0 // of this launch, over the blocks that it had
		for k := range c.Runs {
			mean += s.blocks[k] / float64(len(c.Runs))
		}
		truth := math.Exp(s.truth[id][1] + launch[1] + mean + s.drift*float64(len(s.measured))/worldConfigs)
		if e := stat.EstimateOf(c.values(1)); e.Low <= truth && truth <= e.High {
			s.held++
		}
	}
	s.measured = append(s.measured, c)
	s.verdicts = append(s.verdicts, v)
	s.taken = append(s.taken, Taken{Runs: len(c.Runs), Seconds: float64(len(c.Runs))})
}

func (s *simulation) noise(metric int) stat.Noise {
	configs := [][]stat.Run{s.sentinel.values(metric)}
	for _, c := range s.measured {
		configs = append(configs, c.values(metric))
	}
	return stat.SpreadOf(configs).Noise()
}

// front is what is not dominated so far.
func (s *simulation) front() []Config {
	means := make([][2]float64, len(s.measured))
	for i, c := range s.measured {
		for m := range means[i] {
			means[i][m] = stat.MeanOf(c.values(m), stat.Noise{}).Mean
		}
	}
	var front []Config
	for i, a := range means {
		if !slices.ContainsFunc(means, func(b [2]float64) bool { return b[0] < a[0] && b[1] > a[1] }) {
			front = append(front, s.measured[i])
		}
	}
	return front
}

// best is the config with the truly highest throughput.
func (s *simulation) best() int {
	best := 0
	for i, t := range s.truth {
		if t[1] > s.truth[best][1] {
			best = i
		}
	}
	return best
}

// wrong reports whether a config was stopped for a rival that it beats by more than the
// band.
func (s *simulation) wrong(id int) bool {
	v := s.verdicts[id]
	if v.Rival == "" {
		return false
	}
	var rival int
	fmt.Sscan(v.Rival, &rival)
	band := math.Log1p(0.01)
	return s.truth[id][0] < s.truth[rival][0]-band || s.truth[id][1] > s.truth[rival][1]+band
}

// The best config is stopped as a loser in at most 5 % of studies, and no config more
// often than that, whatever the spreads, how near configs are, and a slow drift.
func TestBestIsNotEliminated(t *testing.T) {
	for _, w := range []world{
		{name: "calm, configs far apart", launch: 0.01, run: 0.01, block: 0.02, differ: 0.3, saves: 0.6},
		{name: "noisy, configs far apart", launch: 0.03, run: 0.03, block: 0.03, differ: 0.3, saves: 0.4},
		{name: "noisy, configs alike", launch: 0.03, run: 0.03, block: 0.03, differ: 0.03},
		{name: "launches differ more than configs", launch: 0.05, run: 0.01, differ: 0.03, saves: 0.5},
		{name: "drift of 2 %", launch: 0.02, run: 0.02, block: 0.02, differ: 0.1, drift: 0.02, saves: 0.25},
	} {
		var lost, wrong, all, held, n int
		var taken []Taken
		decisions := map[Decision]int{}
		for seed := range *studies {
			s := simulate(w, uint64(seed))
			if s.wrong(s.best()) {
				lost++
			}
			for id, v := range s.verdicts {
				decisions[v.Decision]++
				if all++; s.wrong(id) {
					wrong++
				}
			}
			taken = append(taken, s.taken...)
			held, n = held+s.held, n+s.n
		}
		saved := Saved(taken, 10)
		t.Logf("%-34s best lost %.2f %%, any config %.2f %%; saved %.0f %% of ten runs each; intervals where it stopped by itself hold %.1f %% of %d; %v", w.name,
			100*float64(lost)/float64(*studies), 100*float64(wrong)/float64(all), 100*saved.Share, 100*float64(held)/float64(n), n, decisions)
		if float64(lost) > 0.05*float64(*studies) || float64(wrong) > 0.05*float64(all) {
			t.Errorf("%s: the best config was eliminated in %d of %d studies, %d of %d configs falsely", w.name, lost, *studies, wrong, all)
		}
		if float64(held) < 0.93*float64(n) {
			t.Errorf("%s: of %d intervals %d hold", w.name, n, held)
		}
		if saved.Share < w.saves {
			t.Errorf("%s: only %.0f %% saved", w.name, 100*saved.Share)
		}
	}
}
