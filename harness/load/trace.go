package load

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A row is one request of a file.
type row struct {
	ns            int64 // since the first; traces only
	input, output int   // tokens
	text          string
	blocks        []int64 // hashes of the prompt's blocks; nil: none are given
}

// blockTokens is the size of Mooncake's blocks (FAST25-release/traces of
// kvcache-ai/Mooncake: "each hash represents 512 tokens").
const blockTokens = 512

// maxLine bounds a line of a file.
const maxLine = 64 << 20

// readTrace reads a trace: JSON lines if the first begins with a brace, else CSV.
// Its rows are in the order of their times, which count from the first.
func readTrace(path string, text []byte) ([]row, error) {
	read := readCSV
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		read = readJSONLines
	}
	rows, times, err := read(path, text)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no requests", path)
	}
	first := slices.Min(times)
	if span := slices.Max(times) - first; !(span < 1e9) {
		return nil, fmt.Errorf("%s: its times span %v s: are they in another unit?", path, span)
	}
	for i := range rows {
		rows[i].ns = int64(math.Round((times[i] - first) * 1e9))
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.ns, b.ns) })
	return rows, nil
}

// readJSONLines reads Mooncake's lines, and the generic ones. times are in seconds.
func readJSONLines(path string, text []byte) (rows []row, times []float64, err error) {
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, maxLine)
	for line := 1; scan.Scan(); line++ {
		if len(bytes.TrimSpace(scan.Bytes())) == 0 {
			continue
		}
		var in struct {
			Timestamp    *float64 `json:"timestamp"` // ms
			InputLength  *int     `json:"input_length"`
			OutputLength *int     `json:"output_length"`
			HashIDs      []int64  `json:"hash_ids"`
			TS           *float64 `json:"t_s"`
			InputTokens  *int     `json:"input_tokens"`
			OutputTokens *int     `json:"output_tokens"`
			Prompt       string   `json:"prompt"`
		}
		if err := json.Unmarshal(scan.Bytes(), &in); err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		t, input, output := in.TS, in.InputTokens, in.OutputTokens
		if in.Timestamp != nil {
			seconds := *in.Timestamp / 1e3
			t, input, output = &seconds, in.InputLength, in.OutputLength
		}
		r, err := newRow(t, input, output, in.Prompt, in.HashIDs)
		if err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		rows, times = append(rows, r), append(times, *t)
	}
	if err := scan.Err(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, times, nil
}

// traceColumns are those of a generic trace; prompt may be missing.
var traceColumns = []string{"t_s", "input_tokens", "output_tokens", "prompt"}

// readCSV reads a generic trace with a header line. times are in seconds.
func readCSV(path string, text []byte) (rows []row, times []float64, err error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("%s:1: neither JSON lines nor CSV with a header %s: %w", path, strings.Join(traceColumns, ","), err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))] = i
	}
	for _, name := range traceColumns[:3] {
		if _, ok := at[name]; !ok {
			return nil, nil, fmt.Errorf("%s:1: no column %s in the header %q: a trace has %s", path, name, strings.Join(header, ","), strings.Join(traceColumns, ","))
		}
	}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, times, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err) // it says the line
		}
		line, _ := r.FieldPos(0)
		row, t, err := csvRow(fields, at)
		if err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		rows, times = append(rows, row), append(times, t)
	}
}

func csvRow(fields []string, at map[string]int) (row, float64, error) {
	t, err := strconv.ParseFloat(strings.TrimSpace(fields[at["t_s"]]), 64)
	if err != nil {
		return row{}, 0, fmt.Errorf("t_s %q is no number of seconds", fields[at["t_s"]])
	}
	var n [2]int
	for i, name := range traceColumns[1:3] {
		text := strings.TrimSpace(fields[at[name]])
		if n[i], err = strconv.Atoi(text); err != nil {
			return row{}, 0, fmt.Errorf("%s %q is no whole number", name, text)
		}
	}
	prompt := ""
	if i, ok := at["prompt"]; ok {
		prompt = fields[i]
	}
	r, err := newRow(&t, &n[0], &n[1], prompt, nil)
	return r, t, err
}

// newRow checks what a line says. A prompt that is given needs no length.
func newRow(t *float64, input, output *int, prompt string, hashes []int64) (row, error) {
	switch {
	case t == nil:
		return row{}, errors.New("no time: a line has timestamp (ms) or t_s")
	case math.IsNaN(*t) || math.IsInf(*t, 0) || *t < 0 || *t > 1e12:
		return row{}, fmt.Errorf("time %v s: must not be negative", *t)
	case output == nil:
		return row{}, errors.New("no output length: a line has output_length beside timestamp, or output_tokens beside t_s")
	case input == nil && prompt == "":
		return row{}, errors.New("no input length: a line has input_length beside timestamp, or input_tokens beside t_s")
	}
	r := row{output: *output, text: prompt, blocks: hashes}
	if input != nil {
		r.input = *input
	}
	if prompt != "" && r.input == 0 {
		r.input = estimateTokens(prompt)
	}
	switch {
	case r.output < 1 || r.output > maxLength:
		return row{}, fmt.Errorf("output length %d: must be at least 1; leave out requests that made nothing", r.output)
	case r.input < 1 || r.input > maxLength:
		return row{}, fmt.Errorf("input length %d: must be at least 1", r.input)
	case len(hashes) > 0 && (len(hashes)-1)*blockTokens >= r.input:
		return row{}, fmt.Errorf("%d hash_ids for %d tokens: each stands for %d", len(hashes), r.input, blockTokens)
	}
	return r, nil
}

// estimateTokens is the usual rule of thumb for English text, 4 bytes a token.
func estimateTokens(text string) int { return (len(text) + 3) / 4 }
