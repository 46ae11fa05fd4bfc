package results

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"
)

var columnTypes = map[ColumnType]reflect.Type{
	BoolColumn:   reflect.TypeFor[*bool](),
	IntColumn:    reflect.TypeFor[*int64](),
	FloatColumn:  reflect.TypeFor[*float64](),
	StringColumn: reflect.TypeFor[*string](),
}

// encodeTrial writes a trial with its parameters as columns. The struct type is
// made for it, so that the schema stays one of tagged structs.
func encodeTrial(t Trial) ([]byte, error) {
	base := reflect.ValueOf(t)
	var fields []reflect.StructField
	var values []reflect.Value
	seen := map[string]bool{}
	for i := range base.NumField() {
		f := base.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		if name == "-" {
			continue
		}
		seen[name] = true
		fields = append(fields, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
		values = append(values, base.Field(i))
	}
	for i, p := range t.Params {
		if seen[p.Name] {
			return nil, fmt.Errorf("parameter %q has the name of a column of trials: rename it in the space", p.Name)
		}
		seen[p.Name] = true
		typ := columnTypes[p.Type]
		v := reflect.Zero(typ)
		if p.Value != nil {
			if reflect.TypeOf(p.Value) != typ.Elem() {
				return nil, fmt.Errorf("parameter %s: a %T does not fit its column of %s", p.Name, p.Value, typ.Elem())
			}
			v = reflect.New(typ.Elem())
			v.Elem().Set(reflect.ValueOf(p.Value))
		}
		tag := reflect.StructTag(fmt.Sprintf(`parquet:"%s,optional"`, p.Name))
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("Param%d", i), Type: typ, Tag: tag})
		values = append(values, v)
	}
	row := reflect.New(reflect.StructOf(fields))
	for i, v := range values {
		row.Elem().Field(i).Set(v)
	}
	return encode(parquet.SchemaOf(row.Interface()), []any{row.Interface()})
}

// readTrial reads back what encodeTrial wrote, Params included.
func readTrial(path string) (Trial, error) {
	f, err := openPart(path)
	if err != nil {
		return Trial{}, err
	}
	rows, err := rowsOf[Trial](f, path)
	if err != nil {
		return Trial{}, err
	}
	if len(rows) != 1 {
		return Trial{}, &BadPart{path, fmt.Sprintf("%d rows, want 1", len(rows))}
	}
	t := rows[0]
	t.Params, err = readParams(f)
	if err != nil {
		return Trial{}, &BadPart{path, err.Error()}
	}
	return t, nil
}

func readParams(f *parquet.File) ([]Param, error) {
	known := map[string]bool{}
	for _, field := range parquet.SchemaOf(Trial{}).Fields() {
		known[field.Name()] = true
	}
	var params []Param
	at := map[int]int{} // leaf column -> index in params
	for _, field := range f.Schema().Fields() {
		if known[field.Name()] {
			continue
		}
		leaf, ok := f.Schema().Lookup(field.Name())
		if !ok {
			return nil, fmt.Errorf("column %s is not a plain value", field.Name())
		}
		at[leaf.ColumnIndex] = len(params)
		params = append(params, Param{Name: field.Name(), Type: columnTypeOf(field)})
	}
	rows := f.RowGroups()[0].Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 1)
	if n, _ := rows.ReadRows(buf); n != 1 {
		return nil, errors.New("no row")
	}
	for _, v := range buf[0] {
		i, ok := at[v.Column()]
		if !ok || v.IsNull() {
			continue
		}
		switch params[i].Type {
		case BoolColumn:
			params[i].Value = v.Boolean()
		case IntColumn:
			params[i].Value = v.Int64()
		case FloatColumn:
			params[i].Value = v.Double()
		default:
			params[i].Value = string(v.ByteArray())
		}
	}
	return params, nil
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
