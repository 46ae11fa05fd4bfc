package results

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

var columnTypes = map[ColumnType]reflect.Type{
	BoolColumn:   reflect.TypeFor[*bool](),
	IntColumn:    reflect.TypeFor[*int64](),
	FloatColumn:  reflect.TypeFor[*float64](),
	StringColumn: reflect.TypeFor[*string](),
}

// trialRow is the struct type of rows of trials with a column for each parameter, and
// the parameters in the order of their fields. It is made for them, so that the schema
// stays one of tagged structs.
type trialRow struct {
	typ    reflect.Type
	base   []int // fields of Trial that are columns
	params []Param
}

func newTrialRow(params []Param) (trialRow, error) {
	row := trialRow{params: params}
	var fields []reflect.StructField
	seen := map[string]bool{}
	trial := reflect.TypeFor[Trial]()
	for i := range trial.NumField() {
		f := trial.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		if name == "-" {
			continue
		}
		seen[name] = true
		row.base = append(row.base, i)
		fields = append(fields, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
	}
	for i, p := range params {
		if seen[p.Name] {
			return row, fmt.Errorf("parameter %q has the name of a column of trials: rename it in the space", p.Name)
		}
		seen[p.Name] = true
		tag := reflect.StructTag(fmt.Sprintf(`parquet:"%s,optional"`, p.Name))
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("Param%d", i), Type: columnTypes[p.Type], Tag: tag})
	}
	row.typ = reflect.StructOf(fields)
	return row, nil
}

// of returns a trial as a pointer to a row. Values are widened to their columns.
func (r trialRow) of(t Trial) (any, error) {
	row, from := reflect.New(r.typ), reflect.ValueOf(t)
	for i, field := range r.base {
		row.Elem().Field(i).Set(from.Field(field))
	}
	for i, p := range r.params {
		k := slices.IndexFunc(t.Params, func(o Param) bool { return o.Name == p.Name })
		if k < 0 || t.Params[k].Value == nil {
			continue
		}
		value := reflect.ValueOf(widen(t.Params[k].Value, p.Type))
		field := row.Elem().Field(len(r.base) + i)
		if value.Type() != field.Type().Elem() {
			return nil, fmt.Errorf("parameter %s: a %s does not fit its column of %s", p.Name, value.Type(), field.Type().Elem())
		}
		field.Set(reflect.New(value.Type()))
		field.Elem().Set(value)
	}
	return row.Interface(), nil
}

// unify gives the columns of all trials: those of each in order of first appearance, as
// wide as the widest.
func unify(trials []Trial) []Param {
	var columns []Param
	at := map[string]int{}
	for _, t := range trials {
		for _, p := range t.Params {
			i, known := at[p.Name]
			if !known {
				at[p.Name] = len(columns)
				columns = append(columns, Param{Name: p.Name, Type: p.Type})
			} else if c := &columns[i]; c.Type != p.Type {
				c.Type = wider(c.Type, p.Type)
			}
		}
	}
	return columns
}

// wider is the type that holds the values of two. Only numbers have one besides text.
func wider(a, b ColumnType) ColumnType {
	if min(a, b) == IntColumn && max(a, b) == FloatColumn {
		return FloatColumn
	}
	return StringColumn
}

func widen(v any, to ColumnType) any {
	n, isInt := v.(int64)
	switch {
	case to == FloatColumn && isInt:
		return float64(n)
	case to == StringColumn:
		return valueText(v)
	}
	return v
}

// valueText is the same for a value and what it was widened to.
func valueText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// writeTrials writes trials as one file, not sealed yet.
func writeTrials(w io.Writer, trials []Trial, more ...parquet.WriterOption) error {
	row, err := newTrialRow(unify(trials))
	if err != nil {
		return err
	}
	schema := parquet.SchemaOf(reflect.New(row.typ).Interface())
	out := parquet.NewGenericWriter[any](w, writerOptions(schema, more...)...)
	for _, t := range trials {
		r, err := row.of(t)
		if err != nil {
			return err
		}
		if _, err := out.Write([]any{r}); err != nil {
			return err
		}
	}
	return out.Close()
}

// readTrials reads back what writeTrials wrote, Params included.
func readTrials(p *part) ([]Trial, error) {
	trials, err := rowsOf[Trial](p)
	if err == nil {
		err = readParams(p, trials)
	}
	return trials, err
}

func readParams(p *part, trials []Trial) error {
	known := map[string]bool{}
	for _, field := range trialSchema.Fields() {
		known[field.Name()] = true
	}
	for _, field := range p.Schema().Fields() {
		if known[field.Name()] {
			continue
		}
		leaf, ok := p.Schema().Lookup(field.Name())
		if !ok {
			return p.bad("column %s is not a plain value", field.Name())
		}
		param := Param{Name: field.Name(), Type: columnTypeOf(field)}
		err := eachValue(p, leaf.ColumnIndex, func(row int, v parquet.Value) {
			if row < len(trials) {
				param.Value = paramValue(param.Type, v)
				trials[row].Params = append(trials[row].Params, param)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func paramValue(t ColumnType, v parquet.Value) any {
	if v.IsNull() {
		return nil
	}
	switch t {
	case BoolColumn:
		return v.Boolean()
	case IntColumn:
		return v.Int64()
	case FloatColumn:
		return v.Double()
	default:
		return string(v.ByteArray())
	}
}

func columnTypeOf(field parquet.Field) ColumnType {
	switch field.Type().Kind() {
	case parquet.Boolean:
		return BoolColumn
	case parquet.Int64:
		return IntColumn
	case parquet.Double:
		return FloatColumn
	default:
		return StringColumn
	}
}
