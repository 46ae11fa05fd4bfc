package replay

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"harness/search/pareto"
	"harness/space"
)

// Columns says what the columns of a table are.
type Columns struct {
	Params   []string
	Minimise []string // with Maximise: one or two objectives
	Maximise []string

	// Status is COLUMN=VALUE: rows with another value there failed, in a way that is
	// named by it. "" means that all rows worked.
	Status string
	// Infeasible is a condition on the parameters (see space.Spec.Condition): what meets
	// it fails as out of memory, whatever the table says. "" means none.
	Infeasible string
	// Reference is the reference point of the hypervolume, in the objectives' own units
	// and order (those to minimise first); nil means that of the package comment.
	Reference []float64
}

// Problem is a table made ready for searches. It never changes, and any number of
// goroutines may use it at once.
type Problem struct {
	Table      string
	Rows       int
	Params     []string
	Objectives []Objective
	Notes      []string // what a reader of the results has to know of the table

	params  []space.Param
	points  []space.Point // of each row
	lattice *space.Lattice
	configs []config     // by rank
	rankOf  []space.Rank // of each row
	score   scorer
}

// config is what the table says of one configuration: what it measures, or how it fails.
type config struct {
	values  [2]float64
	failure string
}

// NewProblem reads a table by its columns.
//
// Rows of one configuration are one: it works if any of them does, and its values are
// the means of those that do, geometric where an objective is compared as a logarithm.
// A row that works and lacks a finite objective counts as failed.
func NewProblem(t *Table, c Columns) (*Problem, error) {
	p := &Problem{Table: t.Name, Rows: t.Rows(), Params: c.Params}
	var err error
	if p.params, p.points, err = t.parameters(c.Params); err != nil {
		return nil, err
	}
	if p.Objectives, err = objectives(c.Minimise, c.Maximise); err != nil {
		return nil, err
	}
	rows, err := p.readRows(t, c)
	if err != nil {
		return nil, err
	}
	if p.lattice, err = p.compile(0); err != nil {
		return nil, err
	}
	p.gather(rows)
	if err := p.forbid(c.Infeasible); err != nil {
		return nil, err
	}
	if p.score, err = p.newScorer(c.Reference); err != nil {
		return nil, err
	}
	return p, nil
}

// compile makes the lattice of the rows, with the default of a seed. A table knows no
// default, and a search that begins with one that suits the table, or does not, would
// be judged by that: so each seed takes another row for it, drawn uniformly. Ranks are
// the same in all of them.
func (p *Problem) compile(seed uint64) (*space.Lattice, error) {
	row := p.points[rand.New(rand.NewPCG(seed, defaultStream)).IntN(len(p.points))]
	params := slices.Clone(p.params)
	for k := range params {
		params[k].Default = params[k].Values[row[k]]
	}
	spec, err := space.FromRows(p.Table, params, p.points)
	if err != nil {
		return nil, err
	}
	return spec.Compile(space.Options{})
}

// defaultStream numbers the random stream of the default, away from those of noise.
const defaultStream = 1<<63 + 1

// Configs is the number of different configurations.
func (p *Problem) Configs() int { return len(p.configs) }

// both are the objectives, the second perhaps none.
func (p *Problem) both() [2]Objective {
	var both [2]Objective
	copy(both[:], p.Objectives)
	return both
}

// forbid makes the configurations fail that meet a condition.
func (p *Problem) forbid(condition string) error {
	if condition == "" {
		return nil
	}
	holds, err := p.lattice.Spec().Condition(condition)
	if err != nil {
		return err
	}
	n := 0
	for r, point := range p.lattice.All() {
		cfg := p.lattice.Config(point)
		yes, err := holds(cfg)
		if err != nil {
			return fmt.Errorf("condition %q on %s: %w", condition, cfg, err)
		}
		if yes {
			p.configs[r.Lo] = config{failure: "oom_load"}
			n++
		}
	}
	p.Notes = append(p.Notes, fmt.Sprintf("%d of %d configs are made to fail: %s", n, len(p.configs), condition))
	return nil
}

// costs are the objectives of the configurations that work, by rank; NaN for the others.
func (p *Problem) costs() []pareto.Point {
	costs := make([]pareto.Point, len(p.configs))
	for i, c := range p.configs {
		costs[i] = p.cost(c)
	}
	return costs
}

func (p *Problem) cost(c config) pareto.Point {
	if c.failure != "" {
		return pareto.Point{math.NaN(), math.NaN()}
	}
	var cost pareto.Point
	for k, o := range p.Objectives {
		cost[k] = o.cost(c.values[k])
	}
	return cost
}

var errNothingWorks = errors.New("no config of the table works, so there is nothing to find")

// note keeps a sentence about n things, if there are any; the sentence takes their
// number with its noun, and then the verb.
func (p *Problem) note(n int, format, noun, one, many string) {
	switch {
	case n == 1:
		p.Notes = append(p.Notes, fmt.Sprintf(format, "1 "+noun, one))
	case n > 1:
		p.Notes = append(p.Notes, fmt.Sprintf(format, fmt.Sprint(n, " ", noun, "s"), many))
	}
}
