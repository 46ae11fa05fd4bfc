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
// value of its own, before all numbers. The default is the first row's: see compile.
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
	p := space.Param{Name: name, Kind: space.Ordinal, Default: cells[0]}
	met := map[space.Value]bool{}
	for _, c := range cells {
		if !met[c] {
			p.Values = append(p.Values, c)
			met[c] = true
		}
		if _, isNumber := c.AsFloat(); !isNumber && !c.IsNone() {
			p.Kind = space.Categorical
		}
	}
	if p.Kind == space.Ordinal {
		slices.SortFunc(p.Values, compareNumbers)
	}
	return p
}

// compareNumbers orders numbers, with none before them all.
func compareNumbers(a, b space.Value) int {
	x, xIs := a.AsFloat()
	y, yIs := b.AsFloat()
	switch {
	case xIs && !yIs:
		return 1
	case yIs && !xIs:
		return -1
	}
	return cmp.Compare(x, y)
}
