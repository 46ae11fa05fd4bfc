package replay

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

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

// readRows reads the outcome of each row, and finds which objectives are positive.
func (p *Problem) readRows(t *Table, c Columns) ([]config, error) {
	statusColumn, works, err := t.status(c.Status)
	if err != nil {
		return nil, err
	}
	var columns []int
	for _, o := range p.Objectives {
		k, err := t.column(o.Column)
		if err != nil {
			return nil, fmt.Errorf("objective: %w", err)
		}
		if slices.Contains(c.Params, o.Column) {
			return nil, fmt.Errorf("column %s is named as a parameter and as an objective", o.Column)
		}
		columns = append(columns, k)
	}
	rows := make([]config, len(t.rows))
	missing := 0
	for i, cells := range t.rows {
		if statusColumn >= 0 && cells[statusColumn] != works {
			rows[i].failure = failureName(cells[statusColumn])
			continue
		}
		for k, column := range columns {
			v, err := value(cells[column])
			if err != nil {
				return nil, fmt.Errorf("row %d of table %s: objective %s: %w; if a column says which rows failed, give --status COLUMN=VALUE",
					i+1, t.Name, p.Objectives[k].Column, err)
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				rows[i].failure = "no_value"
			}
			rows[i].values[k] = v
		}
		if rows[i].failure != "" {
			missing++
		}
	}
	p.note(missing, "%s worked but %s no finite objective: counted as failed", "row", "has", "have")
	p.scale(rows)
	return rows, nil
}

// status finds the column and the value of a status such as "status=ok"; column -1
// where none is given.
func (t *Table) status(text string) (column int, works space.Value, err error) {
	if text == "" {
		return -1, works, nil
	}
	name, want, ok := strings.Cut(text, "=")
	if !ok {
		return 0, works, fmt.Errorf("status %q: write COLUMN=VALUE, such as status=ok", text)
	}
	column, err = t.column(name)
	return column, cell(want), err
}

func failureName(c space.Value) string {
	if c.IsNone() {
		return "failed"
	}
	return c.String()
}

// scale says of each objective how it is compared.
func (p *Problem) scale(rows []config) {
	for k := range p.Objectives {
		o := &p.Objectives[k]
		o.Log, o.scale = true, 0
		least, most := math.Inf(1), math.Inf(-1)
		for _, r := range rows {
			if r.failure == "" {
				o.Log = o.Log && r.values[k] > 0
				least, most = min(least, r.values[k]), max(most, r.values[k])
				o.scale = max(o.scale, math.Abs(r.values[k]))
			}
		}
		if o.scale == 0 {
			o.scale = 1
		}
		if least == most {
			p.Notes = append(p.Notes, fmt.Sprintf("objective %s is constant (%v): it decides nothing", o.Column, least))
		}
		if !o.Log {
			p.Notes = append(p.Notes, fmt.Sprintf("objective %s is not positive everywhere: its differences are compared, not its ratios", o.Column))
		}
	}
}

// both are the objectives, the second perhaps none.
func (p *Problem) both() [2]Objective {
	var both [2]Objective
	copy(both[:], p.Objectives)
	return both
}

// gather joins the rows of each configuration.
func (p *Problem) gather(rows []config) {
	n, _ := p.lattice.Count().Uint64() // no more than the rows
	p.configs = make([]config, n)
	sums := make([][2]float64, n)
	worked := make([]int, n)
	p.rankOf = make([]space.Rank, len(rows))
	for i, r := range rows {
		rank, _ := p.lattice.Rank(p.points[i]) // a member by construction
		p.rankOf[i] = rank
		if r.failure != "" {
			p.configs[rank.Lo].failure = r.failure
			continue
		}
		if worked[rank.Lo]++; worked[rank.Lo] == 1 {
			p.configs[rank.Lo].values = r.values // to the bit, where it is the only one
		}
		for k, o := range p.Objectives {
			sums[rank.Lo][k] += o.additive(r.values[k])
		}
	}
	p.note(len(rows)-int(n), "%s %s the configuration of another one: their values are averaged", "row", "repeats", "repeat")
	for i := range p.configs {
		if worked[i] == 0 {
			continue
		}
		p.configs[i].failure = ""
		if worked[i] == 1 {
			continue
		}
		for k, o := range p.Objectives {
			p.configs[i].values[k] = o.fromAdditive(sums[i][k] / float64(worked[i]))
		}
	}
}

// additive and fromAdditive turn values into what is averaged, and back.
func (o Objective) additive(v float64) float64 {
	if o.Log {
		return math.Log(v)
	}
	return v
}

func (o Objective) fromAdditive(v float64) float64 {
	if o.Log {
		return math.Exp(v)
	}
	return v
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
