package replay

import (
	"fmt"
	"math"
	"slices"

	"harness/search"
	"harness/search/pareto"
)

// Report is what came of a replay; its JSON keys are promised to scripts.
type Report struct {
	Table      string         `json:"table"`
	Rows       int            `json:"rows"`
	Configs    int            `json:"configs"` // different ones
	Params     []string       `json:"params"`
	Objectives []Objective    `json:"objectives"`
	Front      int            `json:"front"`    // configs on the true front
	FrontHV    float64        `json:"front_hv"` // its hypervolume, scaled as the package comment says
	Notes      []string       `json:"notes"`
	Seeds      int            `json:"seeds"`
	Budget     int            `json:"budget"`
	NoiseCV    []float64      `json:"noise_cv"` // simulated noise on each objective; null = none
	Methods    []MethodReport `json:"methods"`
}

// MethodReport is the runs of one method. Its numbers are medians over the runs but
// where their names say otherwise.
type MethodReport struct {
	Method   string   `json:"method"`
	N95      *float64 `json:"n95"`       // null where a median run did not get there
	N95Worst *int     `json:"n95_worst"` // of all runs; null where one of them did not get there
	// HV is the share of the front's hypervolume by the number of asks, null beyond the budget.
	HV     map[string]*float64 `json:"hv"`
	Unique float64             `json:"unique"` // different configs asked for
	Failed float64             `json:"failed"` // asks that failed
	// FailedAfter20 is the share of all asks after the 20th of their runs that failed;
	// null where there are none.
	FailedAfter20 *float64 `json:"failed_share_after_20"`
	AskSP95       float64  `json:"ask_s_p95"` // over all asks of all runs but those that confirm, Jobs of them at a time
	// Attainment has, in the objectives' units, what the best tenth of the runs attained
	// in the end, half of them, and nine tenths.
	Attainment map[string][][]float64 `json:"attainment"`
	Reported   *FrontReport           `json:"reported_front,omitempty"` // where there is noise
	Runs       []RunReport            `json:"runs"`
}

// RunReport is one run.
type RunReport struct {
	Seed   uint64    `json:"seed"`
	N95    *int      `json:"n95"`
	HV     []float64 `json:"hv"` // after each ask
	Unique int       `json:"unique"`
	Failed int       `json:"failed"`
}

// checkpoints are the numbers of asks after which HV is reported.
var checkpoints = []int{16, 32, 64}

// Report summarises runs, by method in the order in which they come.
func (p *Problem) Report(o Options, runs []Run) Report {
	r := Report{Table: p.Table, Rows: p.Rows, Configs: p.Configs(), Params: p.Params, Objectives: p.Objectives, Front: p.score.front, FrontHV: p.score.all,
		Notes: append([]string{}, p.Notes...), Seeds: o.Seeds, Budget: o.Budget, NoiseCV: o.NoiseCV}
	if o.Budget > p.Configs() {
		r.Notes = append(r.Notes, fmt.Sprintf("the budget of %d asks is above the table's %d configs: a run ends when all are measured", o.Budget, p.Configs()))
	}
	if hybrid := string(search.Hybrid); slices.Contains(o.Methods, hybrid) && o.Budget <= search.SeedSize {
		r.Notes = append(r.Notes, fmt.Sprintf("%s has no model yet: its seed design has %d configs, and the budget is of %d", hybrid, search.SeedSize, o.Budget))
	}
	for len(runs) > 0 {
		n := 1
		for n < len(runs) && runs[n].Method == runs[0].Method {
			n++
		}
		r.Methods = append(r.Methods, p.summarise(o, runs[:n]))
		runs = runs[n:]
	}
	return r
}

// summarise reports on the runs of one method.
func (p *Problem) summarise(o Options, runs []Run) MethodReport {
	m := MethodReport{Method: runs[0].Method, HV: map[string]*float64{}, Attainment: p.attainment(runs), Reported: reportFronts(runs)}
	var n95, unique, failed, seconds []float64
	late, lateFailed := 0, 0
	for i := range runs {
		run := &runs[i]
		r := RunReport{Seed: run.Seed, HV: []float64{}, Unique: run.Unique(), Failed: run.Failed(0)}
		reached := math.Inf(1)
		if n := run.N95(); n > 0 {
			reached, r.N95 = float64(n), &n
		}
		for _, a := range run.Asks {
			r.HV = append(r.HV, a.HV)
			if a.Purpose != confirmPurpose {
				seconds = append(seconds, a.Seconds)
			}
		}
		n95 = append(n95, reached)
		unique = append(unique, float64(r.Unique))
		failed = append(failed, float64(r.Failed))
		late += max(0, len(run.Asks)-20)
		lateFailed += run.Failed(20)
		m.Runs = append(m.Runs, r)
	}
	m.N95 = finite(median(n95))
	if worst := slices.Max(n95); !math.IsInf(worst, 1) {
		n := int(worst)
		m.N95Worst = &n
	}
	for _, k := range checkpoints {
		m.HV[fmt.Sprint(k)] = hvAfter(m.Runs, k, o.Budget)
	}
	m.Unique, m.Failed = median(unique), median(failed)
	if late > 0 {
		m.FailedAfter20 = finite(float64(lateFailed) / float64(late))
	}
	m.AskSP95 = percentile(seconds, 0.95)
	return m
}

// hvAfter is the median share after k asks; a run that had measured everything before
// keeps its last one.
func hvAfter(runs []RunReport, k, budget int) *float64 {
	if k > budget {
		return nil
	}
	var hv []float64
	for _, r := range runs {
		if len(r.HV) > 0 {
			hv = append(hv, r.HV[min(k, len(r.HV))-1])
		}
	}
	return finite(median(hv))
}

// attainment is the boundary of what a share of the runs attained in the end.
func (p *Problem) attainment(runs []Run) map[string][][]float64 {
	sets := make([][]pareto.Point, len(runs))
	for i, run := range runs {
		for _, a := range run.Asks {
			if !a.Failed {
				sets[i] = append(sets[i], p.configs[a.Rank].values)
			}
		}
	}
	all := map[string][][]float64{}
	for _, percent := range []int{10, 50, 90} {
		level := (percent*len(runs) + 99) / 100
		boundary := [][]float64{}
		for _, v := range p.directions().Attainment(sets, level) {
			boundary = append(boundary, v[:len(p.Objectives)])
		}
		all[fmt.Sprint(percent)] = boundary
	}
	return all
}

// finite is x, nil where it is no finite number.
func finite(x float64) *float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil
	}
	return &x
}

// median is NaN of nothing, and +Inf where half of the values or more are.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// percentile is the least value that is no less than a share of all: no interpolation.
func percentile(x []float64, share float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return x[max(0, int(math.Ceil(share*float64(len(x))))-1)]
}

// directions are those of the objectives' own values.
func (p *Problem) directions() pareto.Goals {
	var g pareto.Goals
	for k, o := range p.Objectives {
		if o.Goal == Max {
			g[k] = pareto.Maximise
		}
	}
	return g
}
