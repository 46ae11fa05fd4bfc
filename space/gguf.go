package space

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// ggufFacts reads the header of a GGUF file, versions 2 and 3. The format: magic
// "GGUF", version u32, tensor count u64, pair count u64, then pairs of a key
// (u64 length and bytes), a type u32 and a value, all little endian. See ggml's
// docs/gguf.md.
func ggufFacts(path string, size int64) (map[string]Value, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer f.Close()
	pairs, err := readGGUF(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	facts := factsOfGGUF(pairs)
	facts["weight_mib"] = Int(mebibytes(size))
	return facts, nil
}

func factsOfGGUF(pairs map[string]ggufValue) map[string]Value {
	arch := pairs["general.architecture"].text
	number := func(key string) int64 { return pairs[arch+"."+key].number }
	facts := map[string]Value{}
	give := func(name string, n int64) {
		if n > 0 {
			facts[name] = Int(n)
		}
	}
	heads, kvHeads := number("attention.head_count"), number("attention.head_count_kv")
	if kvHeads == 0 {
		kvHeads = heads // llama.cpp's default
	}
	keyLength, valueLength := number("attention.key_length"), number("attention.value_length")
	if heads > 0 {
		if keyLength == 0 {
			keyLength = number("embedding_length") / heads
		}
		if valueLength == 0 {
			valueLength = number("embedding_length") / heads
		}
	}
	vocabulary := number("vocab_size")
	if vocabulary == 0 {
		vocabulary = pairs["tokenizer.ggml.tokens"].length
	}
	give("num_layers", number("block_count"))
	give("num_attention_heads", heads)
	give("num_kv_heads", kvHeads)
	give("head_dim", keyLength)
	give("v_head_dim", valueLength)
	give("hidden_size", number("embedding_length"))
	give("vocab_size", vocabulary)
	give("context_len", number("context_length"))
	give("context_train", number("context_length"))
	give("kv_lora_rank", number("attention.kv_lora_rank"))
	give("qk_rope_head_dim", number("rope.dimension_count"))
	facts["is_mla"] = Bool(number("attention.kv_lora_rank") > 0)
	facts["is_moe"] = Bool(number("expert_count") > 1)
	facts["is_swa"] = Bool(number("attention.sliding_window") > 0)
	return facts
}

// A ggufValue is one value of the header: a number (of an array of numbers the
// largest, as heads may differ by layer), a text, or the length of an array.
type ggufValue struct {
	number int64
	text   string
	length int64
}

// The header of a real model has some thousand pairs at most, and its longest
// arrays are vocabularies; more than this is no model.
const (
	ggufMaxPairs = 1 << 20
	ggufMaxArray = 1 << 26
	ggufMaxText  = 1 << 24
)

var errGGUF = errors.New("not a GGUF file that can be read: a broken header")

func readGGUF(r *bufio.Reader) (map[string]ggufValue, error) {
	var head struct {
		Magic          [4]byte
		Version        uint32
		Tensors, Pairs uint64
	}
	if err := binary.Read(r, binary.LittleEndian, &head); err != nil || string(head.Magic[:]) != "GGUF" {
		return nil, errors.New("not a GGUF file (want a directory with config.json, or a .gguf file)")
	}
	if head.Version != 2 && head.Version != 3 {
		return nil, fmt.Errorf("GGUF version %d is not known: want 2 or 3", head.Version)
	}
	if head.Pairs > ggufMaxPairs {
		return nil, errGGUF
	}
	g := &ggufReader{r: r}
	pairs := map[string]ggufValue{}
	for range head.Pairs {
		key := g.text()
		value := g.value(uint32(g.integer(4)), 0)
		if g.err != nil {
			return nil, g.err
		}
		pairs[key] = value
	}
	return pairs, nil
}

// A ggufReader keeps the first error; after it every read is zero.
type ggufReader struct {
	r   *bufio.Reader
	err error
}

func (g *ggufReader) integer(bytes int) uint64 {
	var buf [8]byte
	if g.err == nil {
		if _, err := io.ReadFull(g.r, buf[:bytes]); err != nil {
			g.err = errGGUF
			return 0
		}
	}
	return binary.LittleEndian.Uint64(buf[:])
}

func (g *ggufReader) text() string {
	n := g.integer(8)
	if n > ggufMaxText {
		g.err = errGGUF
	}
	if g.err != nil {
		return ""
	}
	buf := make([]byte, n)
	if _, err := io.ReadFull(g.r, buf); err != nil {
		g.err = errGGUF
	}
	return string(buf)
}

// value reads a value of a type: 0-7 are integers of 1 to 4 bytes, float32 and
// bool; 8 is text, 9 an array, 10-12 have 8 bytes.
func (g *ggufReader) value(kind uint32, depth int) ggufValue {
	switch kind {
	case 0, 7:
		return ggufValue{number: int64(g.integer(1))}
	case 1:
		return ggufValue{number: int64(int8(g.integer(1)))}
	case 2:
		return ggufValue{number: int64(g.integer(2))}
	case 3:
		return ggufValue{number: int64(int16(g.integer(2)))}
	case 4:
		return ggufValue{number: int64(g.integer(4))}
	case 5:
		return ggufValue{number: int64(int32(g.integer(4)))}
	case 6:
		return ggufValue{number: int64(math.Float32frombits(uint32(g.integer(4))))}
	case 8:
		return ggufValue{text: g.text()}
	case 9:
		return g.array(depth)
	case 10, 11:
		return ggufValue{number: int64(g.integer(8))}
	case 12:
		return ggufValue{number: int64(math.Float64frombits(g.integer(8)))}
	}
	g.err = errGGUF
	return ggufValue{}
}

func (g *ggufReader) array(depth int) ggufValue {
	kind, n := uint32(g.integer(4)), g.integer(8)
	if n > ggufMaxArray || depth > 4 {
		g.err = errGGUF
	}
	var largest int64
	for range n {
		if g.err != nil {
			return ggufValue{}
		}
		largest = max(largest, g.value(kind, depth+1).number)
	}
	return ggufValue{number: largest, length: int64(n)}
}
