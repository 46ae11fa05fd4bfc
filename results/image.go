package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"

	"github.com/parquet-go/parquet-go"
)

// A part of one row has the row once more, as an image in its footer's key-value
// metadata, under the same checksum. To take one row out of 50 columns costs a Parquet
// reader half a millisecond, most of it for the columns' metadata: a listing of
// thousands of parts would take seconds. Other readers never need the image, and where
// it is missing, or of other columns than this program has, the columns are read.
//
// The image is text, for metadata is: imagePrefix, base64 of what zstd makes of
// fingerprint (8 bytes), number of values (uvarint), and for each value its column,
// levels and kind (4 bytes), length (uvarint) and bytes; then the parameters of a
// trial as JSON. imageEnd follows.
const (
	imageKey    = "harness.row"
	imagePrefix = "row:"
	imageEnd    = "."
)

// images makes and reads the images of one table.
type images struct {
	schema      *parquet.Schema
	fingerprint [8]byte // of the columns
}

func newImages(schema *parquet.Schema) images {
	sum := sha256.Sum256([]byte(SchemaVersion + schema.String()))
	return images{schema, [8]byte(sum[:8])}
}

// noValue is the kind of a null.
const noValue = 0xff

// of returns the image of a row, a pointer, with its parameters.
func (m images) of(row any, params []Param) (string, error) {
	values := m.schema.Deconstruct(nil, row)
	image := binary.AppendUvarint(m.fingerprint[:], uint64(len(values)))
	for _, v := range values {
		kind, content := byte(noValue), []byte(nil)
		if !v.IsNull() {
			kind, content = byte(v.Kind()), v.AppendBytes(nil)
		}
		image = append(image, byte(v.Column()), byte(v.RepetitionLevel()), byte(v.DefinitionLevel()), kind)
		image = append(binary.AppendUvarint(image, uint64(len(content))), content...)
	}
	text, err := json.Marshal(params)
	if err != nil {
		return "", err
	}
	packed, err := codec.Encode(nil, append(image, text...))
	return imagePrefix + base64.StdEncoding.EncodeToString(packed) + imageEnd, err
}

// findImage returns the packed image in a verified file's footer; nil: there is none.
func findImage(footer []byte) []byte {
	at := bytes.LastIndex(footer, []byte(imageKey))
	if at < 0 {
		return nil
	}
	text := footer[at+len(imageKey):]
	from := bytes.Index(text, []byte(imagePrefix))
	if from < 0 {
		return nil
	}
	text = text[from+len(imagePrefix):]
	end := bytes.Index(text, []byte(imageEnd))
	if end < 0 {
		return nil
	}
	packed, err := base64.StdEncoding.AppendDecode(nil, text[:end])
	if err != nil {
		return nil
	}
	return packed
}

// restore fills a row, a pointer to a zero value, and returns the text of its
// parameters. ok is false for an image of other columns, or none.
func (m images) restore(packed []byte, row any) (params []byte, ok bool) {
	image, err := codec.Decode(nil, packed)
	if err != nil || !bytes.HasPrefix(image, m.fingerprint[:]) {
		return nil, false
	}
	image = image[len(m.fingerprint):]
	n, used := binary.Uvarint(image)
	if used <= 0 || n > uint64(len(image)) {
		return nil, false
	}
	image = image[used:]
	values := make(parquet.Row, n)
	for i := range values {
		if len(image) < 4 {
			return nil, false
		}
		size, used := binary.Uvarint(image[4:])
		if used <= 0 || size > uint64(len(image)-4-used) {
			return nil, false
		}
		content := image[4+used : 4+used+int(size)]
		v := parquet.NullValue()
		if kind := image[3]; kind != noValue {
			v = parquet.Kind(kind).Value(content)
		}
		values[i] = v.Level(int(image[1]), int(image[2]), int(image[0]))
		image = image[4+used+int(size):]
	}
	return image, m.schema.Reconstruct(row, values) == nil
}
