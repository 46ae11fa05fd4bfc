package results

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
)

// smallRows is the number of rows up to which a file is read column by column. The
// library's readers hold buffers for 170 values of each column: for the one row of a run
// that is most of the time of reading it.
const smallRows = 16

// readSmall reads all rows of a small file. Columns that it lacks are zero, those that
// schema lacks are left out.
func readSmall[T any](p *part, schema *parquet.Schema) ([]T, error) {
	rows := make([]parquet.Row, p.NumRows())
	for _, path := range schema.Columns() {
		to, _ := schema.Lookup(path...)
		from, ok := p.Schema().Lookup(path...)
		if !ok || from.Node.Type().Kind() != to.Node.Type().Kind() {
			zero := parquet.ZeroValue(to.Node.Type().Kind())
			if to.MaxDefinitionLevel > 0 {
				zero = parquet.NullValue()
			}
			for i := range rows {
				rows[i] = append(rows[i], zero.Level(0, 0, to.ColumnIndex))
			}
			continue
		}
		err := eachValue(p, from.ColumnIndex, func(i int, v parquet.Value) {
			if i < len(rows) {
				rows[i] = append(rows[i], v.Level(v.RepetitionLevel(), v.DefinitionLevel(), to.ColumnIndex).Clone())
			}
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([]T, len(rows))
	for i, row := range rows {
		if err := schema.Reconstruct(&out[i], row); err != nil {
			return nil, p.bad("row %d: %v", i, err)
		}
	}
	return out, nil
}

// eachValue reads a column through; a row of a list has several values. They are good
// until take returns.
func eachValue(p *part, column int, take func(row int, v parquet.Value)) error {
	row := -1
	for _, group := range p.RowGroups() {
		pages := group.ColumnChunks()[column].Pages()
		err := p.eachOfPages(pages, func(v parquet.Value) {
			if v.RepetitionLevel() == 0 {
				row++
			}
			take(row, v)
		})
		pages.Close()
		if err != nil {
			return p.bad("column %d: %v", column, err)
		}
	}
	if row+1 != int(p.NumRows()) {
		return p.bad("column %d has %d of %d rows", column, row+1, p.NumRows())
	}
	return nil
}

func (p *part) eachOfPages(pages parquet.Pages, take func(parquet.Value)) error {
	if p.values == nil {
		p.values = make([]parquet.Value, 64)
	}
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for values := page.Values(); err == nil; {
			var n int
			n, err = values.ReadValues(p.values)
			for _, v := range p.values[:n] {
				take(v)
			}
		}
		parquet.Release(page)
		if !errors.Is(err, io.EOF) {
			return err
		}
	}
}
