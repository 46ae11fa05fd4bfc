package space

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// FromRows makes the spec of a space that is given by its members: its one rule is
// that a configuration is one of the rows, each a value index for each parameter.
// A row that is there twice counts once. It compiles as any other spec does: what
// is fixed or restricted leaves the rows that are left.
//
// Of a Param, Name, Kind, Values and Default count. The error says which parameter
// or row is none.
func FromRows(name string, params []Param, rows []Point) (*Spec, error) {
	s := &Spec{Name: name, Params: slices.Clone(params), names: map[string]entry{}}
	var names []string
	for i := range s.Params {
		p := &s.Params[i]
		if err := s.checkRowParam(p); err != nil {
			return nil, err
		}
		p.Flag = "--" + p.Name
		s.names[p.Name] = entry{isParam, i}
		names = append(names, p.Name)
	}
	set, err := newRowSet(s.Params, rows)
	if err != nil {
		return nil, fmt.Errorf("space %s: %w", name, err)
	}
	text := fmt.Sprintf("(%s) is one of %d rows", strings.Join(names, ", "), len(set.rows))
	rule := &expr{op: opRows, rows: set, kinds: maybeBool}
	for i, n := range names {
		rule.args = append(rule.args, &expr{op: opName, name: n, entry: entry{isParam, i}, kinds: anyKind})
	}
	s.Rules = []Rule{{ID: "rows", Class: Hard, Expr: text, expr: formula{text: text, expr: rule}}}
	s.Hash = set.hash()
	return s, nil
}

func (s *Spec) checkRowParam(p *Param) error {
	switch _, twice := s.names[p.Name]; {
	case p.Name == "":
		return fmt.Errorf("space %s: a parameter without a name", s.Name)
	case twice:
		return fmt.Errorf("space %s: two parameters %s", s.Name, p.Name)
	case len(p.Values) == 0 || len(p.Values) > 255:
		return fmt.Errorf("parameter %s of space %s has %d values: want 1 to 255; leave it out, or group its values", p.Name, s.Name, len(p.Values))
	case !slices.Contains(p.Values, p.Default):
		return fmt.Errorf("space %s: default %s of %s is not one of its values", s.Name, p.Default, p.Name)
	}
	for i, v := range p.Values {
		if slices.Contains(p.Values[:i], v) {
			return fmt.Errorf("space %s: %s has the value %s twice", s.Name, p.Name, v)
		}
	}
	return nil
}

// A rowSet is a set of configurations of some parameters, in order and each once.
type rowSet struct {
	params []Param
	index  []map[Value]uint8 // of the values of each parameter
	rows   []Point
}

func newRowSet(params []Param, rows []Point) (*rowSet, error) {
	s := &rowSet{params: params, rows: slices.Clone(rows)}
	if len(params) == 0 || len(rows) == 0 {
		return nil, fmt.Errorf("%d rows of %d parameters: want at least one of each", len(rows), len(params))
	}
	for i, row := range rows {
		if len(row) != len(params) {
			return nil, fmt.Errorf("row %d has %d values for %d parameters", i, len(row), len(params))
		}
		for k, v := range row {
			if int(v) >= len(params[k].Values) {
				return nil, fmt.Errorf("row %d: %s has no value %d", i, params[k].Name, v)
			}
		}
	}
	slices.SortFunc(s.rows, func(a, b Point) int { return slices.Compare(a, b) })
	s.rows = slices.CompactFunc(s.rows, func(a, b Point) bool { return slices.Equal(a, b) })
	for _, p := range params {
		index := make(map[Value]uint8, len(p.Values))
		for v, value := range p.Values {
			index[value] = uint8(v)
		}
		s.index = append(s.index, index)
	}
	return s, nil
}

// has reports whether the values of the arguments are a row: one argument for each
// parameter, with one of its values.
func (s *rowSet) has(e *expr, lookup func(*expr) Value) bool {
	p := make(Point, len(e.args))
	for i, a := range e.args {
		p[i] = s.index[i][a.eval(lookup)]
	}
	_, found := slices.BinarySearchFunc(s.rows, p, func(a, b Point) int { return slices.Compare(a, b) })
	return found
}

func (s *rowSet) hash() string {
	h := sha256.New()
	for _, p := range s.params {
		json.NewEncoder(h).Encode(append([]Value{String(p.Name), String(p.Kind.String()), p.Default}, p.Values...))
	}
	for _, r := range s.rows {
		h.Write(r)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// rows is the diagram of a row set: the rows that agree with what is fixed, as a
// tree from the top level down, whose equal branches are shared as it is built. All
// tuned parameters are in it.
func (b *builder) rows(e *expr) ref {
	columns := make([]int, len(b.sizes)) // the column of each level
	values := make([][]int, len(b.sizes))
	fixed := map[int]uint8{}
	for k, a := range e.args {
		if a.op == opLiteral {
			fixed[k] = e.rows.index[k][a.value]
			continue
		}
		level := b.level[a.entry.index]
		columns[level] = k
		for _, v := range e.rows.params[k].Values { // by the spec's index, that of the lattice
			values[level] = append(values[level], slices.Index(b.params[a.entry.index].Values, v))
		}
	}
	var left []Point
	for _, row := range e.rows.rows {
		p := make(Point, len(b.sizes))
		ok := true
		for k, v := range fixed {
			ok = ok && row[k] == v
		}
		for level, k := range columns {
			v := values[level][row[k]]
			ok = ok && v >= 0
			p[level] = uint8(max(v, 0))
		}
		if ok {
			left = append(left, p)
		}
	}
	slices.SortFunc(left, func(a, b Point) int { return slices.Compare(a, b) })
	return b.branch(left, 0)
}

// branch is the diagram, from a level on, of rows that are in order and alike above it.
func (b *builder) branch(rows []Point, level int) ref {
	if len(rows) == 0 {
		return no
	}
	if level == len(b.sizes) {
		return yes
	}
	start := len(b.stack)
	for v := range b.sizes[level] {
		n := 0
		for n < len(rows) && int(rows[n][level]) == v {
			n++
		}
		kid := b.branch(rows[:n], level+1)
		b.stack = append(b.stack, kid)
		rows = rows[n:]
	}
	r := b.node(level, b.stack[start:])
	b.stack = b.stack[:start]
	return r
}
