package replay

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"harness/space"
)

// Table is a recorded table: named columns of cells. A cell that is missing is none.
type Table struct {
	Name    string // the file's, without folder and extension
	Columns []string
	rows    [][]space.Value
}

// ReadTable reads a CSV file (.csv; .tsv for tabs) with a header line, or a Parquet
// file (.parquet) of flat columns.
func ReadTable(path string) (*Table, error) {
	ext := filepath.Ext(path)
	read := map[string]func(string) (*Table, error){
		".csv":     func(p string) (*Table, error) { return readCSV(p, ',') },
		".tsv":     func(p string) (*Table, error) { return readCSV(p, '\t') },
		".parquet": readParquet,
	}[strings.ToLower(ext)]
	if read == nil {
		return nil, fmt.Errorf("table %s: %q is no kind of table that can be read: want .csv, .tsv or .parquet", path, ext)
	}
	t, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	t.Name = strings.TrimSuffix(filepath.Base(path), ext)
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	return t, nil
}

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.rows) }

func (t *Table) check() error {
	for i, c := range t.Columns {
		if c == "" {
			return fmt.Errorf("column %d has no name: the first line must name the columns", i+1)
		}
		if slices.Contains(t.Columns[:i], c) {
			return fmt.Errorf("two columns are named %q", c)
		}
	}
	if len(t.rows) == 0 {
		return fmt.Errorf("no rows")
	}
	return nil
}

// column is the index of a column.
func (t *Table) column(name string) (int, error) {
	i := slices.Index(t.Columns, name)
	if i < 0 {
		return 0, fmt.Errorf("table %s has no column %q: it has %s", t.Name, name, strings.Join(t.Columns, ", "))
	}
	return i, nil
}

// cell is the value of a cell's text. The usual spellings of nothing are none.
func cell(text string) space.Value {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "", "nan", "na", "n/a", "null":
		return space.None()
	}
	return space.ParseValue(text)
}
