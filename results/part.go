package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// codec is shared, since it keeps its encoders.
var codec = &zstd.Codec{}

func writerOptions(schema *parquet.Schema) []parquet.WriterOption {
	return []parquet.WriterOption{
		schema,
		parquet.Compression(codec),
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
