package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
)

// Parquet readers do not notice a flipped bit, so each file carries a SHA-256 of itself
// in its footer's key-value metadata: the hash is taken with the 64 hex digits of the
// value being zeros.
const (
	schemaKey   = "harness.schema"
	checksumKey = "harness.checksum"
	hashPrefix  = "sha256:"
)

var (
	hashBlank  = hashPrefix + strings.Repeat("0", 2*sha256.Size)
	errForeign = errors.New("no checksum: not a part of harness, or cut off")
	errDamaged = errors.New("checksum mismatch: the file is damaged")
)

// parquetTail ends each file: the footer's length, and the format's name.
const parquetTail, parquetMagic = 8, "PAR1"

// checksum computes what a file's checksum should be, and finds where it says what it
// is. Memory does not grow with the file, but with its footer.
func checksum(file io.ReaderAt, size int64) (want, said string, at int64, err error) {
	tail := make([]byte, parquetTail)
	if size < parquetTail {
		return "", "", 0, errForeign
	}
	if _, err := file.ReadAt(tail, size-parquetTail); err != nil {
		return "", "", 0, err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[4:]) != parquetMagic || length > size-parquetTail {
		return "", "", 0, errForeign
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, size-parquetTail-length); err != nil {
		return "", "", 0, err
	}
	i := bytes.LastIndex(footer, []byte(hashPrefix))
	if i < 0 || i+len(hashBlank) > len(footer) {
		return "", "", 0, errForeign
	}
	said = string(footer[i : i+len(hashBlank)])
	at = size - parquetTail - length + int64(i)
	rest := at + int64(len(hashBlank))
	h := sha256.New()
	buf := make([]byte, min(size, 1<<18))
	for _, stretch := range [][2]int64{{0, at}, {rest, size}} {
		if stretch[0] == rest {
			h.Write([]byte(hashBlank))
		}
		for from := stretch[0]; from < stretch[1]; {
			n, err := file.ReadAt(buf[:min(int64(len(buf)), stretch[1]-from)], from)
			if n == 0 && err != nil {
				return "", "", 0, err
			}
			h.Write(buf[:n])
			from += int64(n)
		}
	}
	return hashPrefix + hex.EncodeToString(h.Sum(nil)), said, at, nil
}

// verify checks a sealed file's checksum.
func verify(file io.ReaderAt, size int64) error {
	want, said, _, err := checksum(file, size)
	if err == nil && want != said {
		err = errDamaged
	}
	return err
}

// seal writes the checksum into a file that was just made.
func seal(file interface {
	io.ReaderAt
	io.WriterAt
}, size int64) error {
	want, _, at, err := checksum(file, size)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(want), at)
	return err
}
