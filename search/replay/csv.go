package replay

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strings"

	"harness/space"
)

func readCSV(path string, comma rune) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseCSV(f, comma)
}

// parseCSV reads lines of equally many fields, the first of which names the columns.
func parseCSV(in io.Reader, comma rune) (*Table, error) {
	r := csv.NewReader(in)
	r.Comma = comma
	r.ReuseRecord = true
	header, err := r.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty: want a line of column names, then rows")
	}
	if err != nil {
		return nil, err
	}
	t := &Table{}
	for i, name := range header {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // the mark that some programs write first
		}
		t.Columns = append(t.Columns, strings.TrimSpace(name))
	}
	for {
		record, err := r.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		row := make([]space.Value, len(record))
		for i, text := range record {
			row[i] = cell(strings.Clone(text)) // not to keep the reader's line
		}
		t.rows = append(t.rows, row)
	}
}
