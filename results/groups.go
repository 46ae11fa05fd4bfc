package results

import (
	"bytes"
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
)

// groupWeight bounds a row group, which a writer holds in memory: values of its
// heaviest columns.
const groupWeight = 2 << 20

func requestWeight(r *Request) int { return 16 + 5*len(r.ChunkNS) + 5*len(r.EventNS) }

func one[T any](*T) int { return 32 }

// groups splits rows into stretches of about groupWeight.
func groups[T any](rows []T, weight func(*T) int) (list [][]T) {
	from, held := 0, 0
	for i := range rows {
		if held += weight(&rows[i]); held > groupWeight {
			list = append(list, rows[from:i+1])
			from, held = i+1, 0
		}
	}
	if from < len(rows) || len(list) == 0 {
		list = append(list, rows[from:])
	}
	return list
}

// encodeGroups writes many rows as a file, not sealed yet. Its row groups are encoded
// side by side, as files of their own, and then copied into one.
func encodeGroups[T any](buf *bytes.Buffer, schema *parquet.Schema, list [][]T) error {
	files, errs := make([]bytes.Buffer, len(list)), make([]error, len(list))
	parallel(len(list), func(i int) { errs[i] = encodeInto(&files[i], schema, list[i]) })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	w := parquet.NewGenericWriter[T](buf, writerOptions(schema)...)
	for i := range files {
		f, err := parquet.OpenFile(bytes.NewReader(files[i].Bytes()), int64(files[i].Len()))
		if err != nil {
			return err
		}
		for _, group := range f.RowGroups() {
			if _, err := w.WriteRowGroup(group); err != nil {
				return err
			}
		}
		files[i] = bytes.Buffer{}
	}
	return w.Close()
}

func encodeInto[T any](out io.Writer, schema *parquet.Schema, rows []T, more ...parquet.WriterOption) error {
	w := parquet.NewGenericWriter[T](out, writerOptions(schema, more...)...)
	if _, err := w.Write(rows); err != nil {
		return err
	}
	return w.Close()
}
