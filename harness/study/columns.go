package study

import (
	"harness/results"
	"harness/space"
)

// columns are the parameters of a config as columns of trials. A column's type
// follows from all the values that the spec has, so that it is the same in every
// trial of every study of that spec.
func columns(spec *space.Spec, cfg space.Config) []results.Param {
	params := make([]results.Param, len(spec.Params))
	for i, p := range spec.Params {
		params[i] = results.Param{Name: p.Name, Type: columnType(p.Values)}
		params[i].Value = columnValue(params[i].Type, cfg[p.Name])
	}
	return params
}

// A Domain is a parameter's column with the values that it can have.
type Domain struct {
	Name   string
	Values []any
}

// Domains are those of the space's parameters, in its order, with the spec's values.
func (s *Study) Domains() []Domain {
	domains := make([]Domain, len(s.Spec.Params))
	for i, p := range s.Spec.Params {
		domains[i].Name = p.Name
		for _, v := range p.Values {
			domains[i].Values = append(domains[i].Values, columnValue(columnType(p.Values), v))
		}
	}
	return domains
}

func columnType(values []space.Value) results.ColumnType {
	bools, ints, floats, all := 0, 0, 0, 0
	for _, v := range values {
		if v.IsNone() {
			continue
		}
		all++
		if _, ok := v.AsBool(); ok {
			bools++
		}
		if _, ok := v.AsInt(); ok {
			ints++
		}
		if _, ok := v.AsFloat(); ok {
			floats++ // ints are floats too
		}
	}
	switch {
	case all == bools:
		return results.BoolColumn
	case all == ints:
		return results.IntColumn
	case all == floats:
		return results.FloatColumn
	default:
		return results.StringColumn
	}
}

func columnValue(t results.ColumnType, v space.Value) any {
	if v.IsNone() {
		return nil
	}
	switch t {
	case results.BoolColumn:
		b, _ := v.AsBool()
		return b
	case results.IntColumn:
		i, _ := v.AsInt()
		return i
	case results.FloatColumn:
		f, _ := v.AsFloat()
		return f
	default:
		return v.String()
	}
}
