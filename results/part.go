package results

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// BadPart says why a file of a table cannot be used. What it held counts as not
// measured.
type BadPart struct {
	Path string
	Why  string
}

func (b *BadPart) Error() string { return fmt.Sprintf("%s: %s", b.Path, b.Why) }

// codec is shared, since it keeps its encoders.
var codec = &zstd.Codec{Level: zstd.SpeedFastest}

func writerOptions(schema *parquet.Schema, more ...parquet.WriterOption) []parquet.WriterOption {
	return append([]parquet.WriterOption{
		schema,
		parquet.Compression(codec),
		parquet.KeyValueMetadata(schemaKey, SchemaVersion),
		parquet.KeyValueMetadata(checksumKey, hashBlank),
	}, more...)
}

// memoryFile is a file in memory that can be sealed.
type memoryFile struct {
	*bytes.Reader
	data []byte
}

func (m memoryFile) WriteAt(p []byte, at int64) (int, error) { return copy(m.data[at:], p), nil }

// encode returns rows as the bytes of one sealed part.
func encode[T any](schema *parquet.Schema, rows []T, weight func(*T) int) ([]byte, error) {
	var buf bytes.Buffer
	var err error
	if list := groups(rows, weight); len(list) > 1 {
		err = encodeGroups(&buf, schema, list)
	} else {
		err = encodeInto(&buf, schema, rows)
	}
	if err != nil {
		return nil, err
	}
	return sealed(buf.Bytes())
}

// sealed seals a file in memory.
func sealed(data []byte) ([]byte, error) {
	return data, seal(memoryFile{bytes.NewReader(data), data}, int64(len(data)))
}

// part is a file that was opened and found whole.
type part struct {
	*parquet.File // nil until parse
	path          string
	reader        io.ReaderAt
	size          int64
	data          []byte          // all of it, where it is small
	file          io.Closer       // nil where all of it is in memory
	values        []parquet.Value // of eachValue, so that columns share it
}

func (p *part) Close() {
	if p.file != nil {
		p.file.Close()
	}
}

func (p *part) bad(format string, args ...any) error {
	return &BadPart{p.path, fmt.Sprintf(format, args...)}
}

// inMemory is the size up to which a file is read at once.
const inMemory = 8 << 20

// openPart verifies and opens a file of a table. The caller closes it.
func openPart(path string) (*part, error) {
	p, err := verifiedPart(path)
	if err != nil {
		return nil, err
	}
	if err := p.parse(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// verifiedPart is a file that is whole, not parsed yet. The caller closes it.
func verifiedPart(path string) (*part, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	p := &part{path: path, reader: f, file: f}
	if err = p.load(f); err == nil {
		err = verify(p.reader, p.size)
	}
	if err != nil || p.file == nil {
		f.Close()
	}
	if errors.Is(err, errForeign) || errors.Is(err, errDamaged) {
		return nil, &BadPart{path, err.Error()}
	}
	return p, err
}

// load reads a small file at once.
func (p *part) load(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if p.size = info.Size(); p.size > inMemory {
		return nil
	}
	p.data = make([]byte, p.size)
	_, err = io.ReadFull(f, p.data)
	p.reader, p.file = bytes.NewReader(p.data), nil
	return err
}

// parse reads the footer.
func (p *part) parse() (err error) {
	p.File, err = parquet.OpenFile(p.reader, p.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return p.bad("%v", err)
	}
	if v, _ := p.Lookup(schemaKey); !slices.Contains(readableVersions, v) {
		return p.bad("schema version %q, and this harness reads %q", v, readableVersions)
	}
	return nil
}

// footer is that of a small file that was verified; nil of a large one.
func (p *part) footer() []byte {
	if p.data == nil {
		return nil
	}
	end := len(p.data) - parquetTail
	return p.data[end-int(binary.LittleEndian.Uint32(p.data[end:])) : end]
}

// batchRows bounds the rows that are in memory while a file is read through.
const batchRows = 512

// each reads n rows from a row on, in batches that it makes anew; of the file's row
// groups only those that have such rows. The columns are those of T; others are not read.
func each[T any](p *part, from, n int64, take func(rows []T) error) error {
	first := int64(0) // row of the group
	for _, group := range p.RowGroups() {
		begin, end := max(from, first), min(from+n, first+group.NumRows())
		if begin < end {
			if err := eachOfGroup(p, group, begin-first, end-begin, take); err != nil {
				return err
			}
		}
		first += group.NumRows()
	}
	if first < from+n {
		return p.bad("it has %d rows, and %d are wanted", first, from+n)
	}
	return nil
}

func eachOfGroup[T any](p *part, group parquet.RowGroup, from, n int64, take func(rows []T) error) error {
	r := parquet.NewGenericRowGroupReader[T](group)
	defer r.Close()
	if from > 0 {
		if err := r.SeekToRow(from); err != nil {
			return p.bad("row %d of a group: %v", from, err)
		}
	}
	for n > 0 {
		rows := make([]T, min(n, batchRows))
		k, err := r.Read(rows)
		if k < len(rows) {
			return p.bad("rows from %d of a group on cannot be read: %v", from+int64(k), err)
		}
		if err := take(rows); err != nil {
			return err
		}
		from, n = from+int64(k), n-int64(k)
	}
	return nil
}

// rowsOf reads all rows.
func rowsOf[T any](p *part) ([]T, error) {
	if p.NumRows() <= smallRows {
		return readSmall[T](p, parquet.SchemaOf(new(T)))
	}
	all := make([]T, 0, p.NumRows())
	err := each(p, 0, p.NumRows(), func(rows []T) error {
		all = append(all, rows...)
		return nil
	})
	return all, err
}
