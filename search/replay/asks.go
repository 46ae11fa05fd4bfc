package replay

import (
	"cmp"
	"fmt"
	"slices"

	"harness/space"
)

// Asked scores what other programs asked for, as this package scores the search:
// t has columns method, seed, ask (a number that orders a run's asks), row (of the
// problem's table, the first being 1) and, if it likes, ask_s. The runs come in the
// order in which the table names them.
func (p *Problem) Asked(t *Table) ([]Run, error) {
	columns := map[string]int{}
	for _, name := range []string{"method", "seed", "ask", "row"} {
		k, err := t.column(name)
		if err != nil {
			return nil, err
		}
		columns[name] = k
	}
	seconds := slices.Index(t.Columns, "ask_s")
	type key struct {
		method string
		seed   uint64
	}
	type numbered struct {
		at int64
		Ask
	}
	asks := map[key][]numbered{}
	var order []key
	first := map[string]int{} // the place of each method among all
	for i, cells := range t.rows {
		var n [3]int64
		for k, name := range []string{"seed", "ask", "row"} {
			v, ok := cells[columns[name]].AsInt()
			if !ok || v < 0 {
				return nil, fmt.Errorf("row %d of table %s: %s is %s: want a whole number", i+1, t.Name, name, cells[columns[name]])
			}
			n[k] = v
		}
		rank, err := p.rankOfRow(int(n[2]))
		if err != nil {
			return nil, fmt.Errorf("row %d of table %s asks for %w", i+1, t.Name, err)
		}
		a := numbered{n[1], Ask{Rank: rank.Lo, Purpose: "ask", Failed: p.configs[rank.Lo].failure != ""}}
		if seconds >= 0 {
			a.Seconds, _ = cells[seconds].AsFloat()
		}
		k := key{methodName(cells[columns["method"]]), uint64(n[0])}
		if asks[k] == nil {
			order = append(order, k)
			if _, known := first[k.method]; !known {
				first[k.method] = len(first)
			}
		}
		asks[k] = append(asks[k], a)
	}
	slices.SortFunc(order, func(a, b key) int {
		return cmp.Or(cmp.Compare(first[a.method], first[b.method]), cmp.Compare(a.seed, b.seed))
	})
	var runs []Run
	for _, k := range order {
		slices.SortStableFunc(asks[k], func(a, b numbered) int { return cmp.Compare(a.at, b.at) })
		run := Run{Method: k.method, Seed: k.seed}
		for _, a := range asks[k] {
			run.Asks = append(run.Asks, a.Ask)
		}
		p.scoreAsks(run.Asks)
		runs = append(runs, run)
	}
	return runs, nil
}

func methodName(c space.Value) string {
	if c.IsNone() {
		return "unnamed"
	}
	return c.String()
}
