package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// A part is one immutable Parquet file. Parquet readers do not notice a flipped bit,
// so each part carries a SHA-256 of itself in its footer's key-value metadata: the
// hash is taken with the 64 hex digits of the value being zeros.
const (
	schemaKey   = "harness.schema"
	checksumKey = "harness.checksum"
	hashPrefix  = "sha256:"
)

var hashBlank = hashPrefix + strings.Repeat("0", 2*sha256.Size)

// BadPart says why a part cannot be used. The row that it held counts as not
// measured.
type BadPart struct {
	Path string
	Why  string
}

func (b *BadPart) Error() string { return fmt.Sprintf("%s: %s", b.Path, b.Why) }

func writerOptions(schema *parquet.Schema) []parquet.WriterOption {
	return []parquet.WriterOption{
		schema,
		parquet.Compression(&zstd.Codec{}),
		parquet.KeyValueMetadata(schemaKey, SchemaVersion),
		parquet.KeyValueMetadata(checksumKey, hashBlank),
	}
}

// encode returns rows as the bytes of one sealed part.
func encode[T any](schema *parquet.Schema, rows []T) ([]byte, error) {
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[T](&buf, writerOptions(schema)...)
	if _, err := w.Write(rows); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return seal(buf.Bytes())
}

func seal(data []byte) ([]byte, error) {
	at := bytes.LastIndex(data, []byte(hashBlank))
	if at < 0 {
		return nil, errors.New("results: no place for the checksum in the footer")
	}
	sum := sha256.Sum256(data)
	hex.Encode(data[at+len(hashPrefix):], sum[:])
	return data, nil
}

// verify checks a sealed part's checksum without changing data.
func verify(data []byte) error {
	at := bytes.LastIndex(data, []byte(hashPrefix))
	end := at + len(hashBlank)
	if at < 0 || end > len(data) {
		return errors.New("no checksum: not a part of harness, or cut off")
	}
	h := sha256.New()
	h.Write(data[:at])
	h.Write([]byte(hashBlank))
	h.Write(data[end:])
	if want := hashPrefix + hex.EncodeToString(h.Sum(nil)); want != string(data[at:end]) {
		return errors.New("checksum mismatch: the file is damaged")
	}
	return nil
}

// openPart reads, verifies and opens a part.
func openPart(path string) (*parquet.File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := verify(data); err != nil {
		return nil, &BadPart{path, err.Error()}
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, &BadPart{path, err.Error()}
	}
	if v, _ := f.Lookup(schemaKey); v != SchemaVersion {
		return nil, &BadPart{path, fmt.Sprintf("schema version %q, and this harness reads %q", v, SchemaVersion)}
	}
	return f, nil
}

func readRows[T any](path string) ([]T, error) {
	f, err := openPart(path)
	if err != nil {
		return nil, err
	}
	return rowsOf[T](f, path)
}

func rowsOf[T any](f *parquet.File, path string) ([]T, error) {
	rows := make([]T, f.NumRows())
	r := parquet.NewGenericReader[T](f)
	defer r.Close()
	if n, _ := r.Read(rows); n != len(rows) {
		return nil, &BadPart{path, fmt.Sprintf("%d of %d rows could be read", n, len(rows))}
	}
	return rows, nil
}

// writeFile makes data appear at path whole or not at all, and durably.
func writeFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails, as it should, after the rename
	if _, err = tmp.Write(data); err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

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
