package replay

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/parquet-go/parquet-go"

	"harness/space"
)

// readParquet reads the flat columns of a file; nested and repeated ones are left out.
func readParquet(path string) (t *Table, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	defer func() { // the library panics on some damaged files
		if r := recover(); r != nil {
			t, err = nil, fmt.Errorf("not a Parquet file that can be read: %v", r)
		}
	}()
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, err
	}
	t = &Table{}
	place := map[int]int{} // from a leaf of the file to a column
	for i, path := range file.Schema().Columns() {
		leaf, ok := file.Schema().Lookup(path...)
		if ok && len(path) == 1 && !leaf.Node.Repeated() {
			place[i] = len(t.Columns)
			t.Columns = append(t.Columns, path[0])
		}
	}
	for _, group := range file.RowGroups() {
		if err := t.addGroup(group, place); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Table) addGroup(group parquet.RowGroup, place map[int]int) error {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 256)
	for {
		n, err := rows.ReadRows(buffer)
		for _, r := range buffer[:n] {
			row := make([]space.Value, len(t.Columns))
			for _, v := range r {
				if k, ok := place[v.Column()]; ok {
					row[k] = parquetCell(v)
				}
			}
			t.rows = append(t.rows, row)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func parquetCell(v parquet.Value) space.Value {
	if v.IsNull() {
		return space.None()
	}
	switch v.Kind() {
	case parquet.Boolean:
		return space.Bool(v.Boolean())
	case parquet.Int32:
		return space.Int(int64(v.Int32()))
	case parquet.Int64:
		return space.Int(v.Int64())
	case parquet.Float:
		return number(float64(v.Float()))
	case parquet.Double:
		return number(v.Double())
	}
	return cell(string(v.ByteArray()))
}

// number is a float as a cell: NaN is a missing one, an infinity is spelt out, as in CSV.
func number(x float64) space.Value {
	switch {
	case math.IsNaN(x):
		return space.None()
	case math.IsInf(x, 0):
		return space.String(fmt.Sprint(x))
	}
	return space.Float(x)
}
