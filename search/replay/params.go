package replay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"harness/space"
)

// parameters makes a parameter of each named column and the configuration of each
// row. A column of numbers is ordinal, any other categorical; a missing cell is a
// value of its own, before all numbers.
//
// A table knows no default, so the middle of the rows stands for it: the median of
// an ordinal, the most frequent value of others.
func (t *Table) parameters(names []string) ([]space.Param, []space.Point, error) {
	if len(names) == 0 {
		return nil, nil, errors.New("no parameters: name the columns that are")
	}
	params := make([]space.Param, len(names))
	rows := make([]space.Point, len(t.rows))
	for i := range rows {
		rows[i] = make(space.Point, len(names))
	}
	for k, name := range names {
		column, err := t.column(name)
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(names[:k], name) {
			return nil, nil, fmt.Errorf("parameter %s is named twice", name)
		}
		cells := make([]space.Value, len(t.rows))
		for i, row := range t.rows {
			cells[i] = row[column]
		}
		params[k] = parameter(name, cells)
		if n := len(params[k].Values); n > 255 {
			return nil, nil, fmt.Errorf("column %s has %d different values: a parameter has 255 at most; leave it out, or round it", name, n)
		}
		index := make(map[space.Value]uint8, len(params[k].Values))
		for v, value := range params[k].Values {
			index[value] = uint8(v)
		}
		for i, c := range cells {
			rows[i][k] = index[c]
		}
	}
	return params, rows, nil
}

func parameter(name string, cells []space.Value) space.Param {
	p := space.Param{Name: name, Kind: space.Ordinal}
	count := map[space.Value]int{}
	for _, c := range cells {
		if count[c] == 0 {
			p.Values = append(p.Values, c) // in the order met
		}
		count[c]++
		if _, isNumber := c.AsFloat(); !isNumber && !c.IsNone() {
			p.Kind = space.Categorical
		}
	}
	if p.Kind == space.Categorical {
		p.Default = slices.MaxFunc(p.Values, func(a, b space.Value) int { return cmp.Compare(count[a], count[b]) })
		return p
	}
	slices.SortFunc(p.Values, func(a, b space.Value) int {
		x, xIs := a.AsFloat()
		y, yIs := b.AsFloat()
		if xIs != yIs {
			return map[bool]int{true: 1, false: -1}[xIs]
		}
		return cmp.Compare(x, y)
	})
	passed := 0
	for _, v := range p.Values {
		if passed += count[v]; 2*passed >= len(cells) {
			p.Default = v
			break
		}
	}
	return p
}
