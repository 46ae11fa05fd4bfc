package replay

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"harness/space"
)

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
