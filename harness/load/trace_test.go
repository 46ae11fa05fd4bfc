package load

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadTrace(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []row
	}{
		{"mooncake", `{"timestamp": 1500, "input_length": 600, "output_length": 5, "hash_ids": [3, 4]}
{"timestamp": 1000, "input_length": 6, "output_length": 7, "hash_ids": [3]}
`, []row{{ns: 0, input: 6, output: 7, blocks: []int64{3}}, {ns: 5e8, input: 600, output: 5, blocks: []int64{3, 4}}}},
		{"generic JSON lines", `{"t_s": 10.25, "input_tokens": 3, "output_tokens": 4}

{"t_s": 10.5, "output_tokens": 4, "prompt": "a question?"}`, []row{{input: 3, output: 4}, {ns: 25e7, input: 3, output: 4, text: "a question?"}}},
		{"CSV", "t_s, input_tokens, output_tokens\n0.5, 3, 4\n0.75,5,6\n", []row{{input: 3, output: 4}, {ns: 25e7, input: 5, output: 6}}},
		{"CSV with prompts and other columns", "id,prompt,output_tokens,t_s,input_tokens\r\nx,\"a, b\nc\",4,1,3\r\n", []row{{input: 3, output: 4, text: "a, b\nc"}}},
		{"a tie keeps its order", "t_s,input_tokens,output_tokens\n1,1,1\n0,2,2\n1,3,3\n", []row{{input: 2, output: 2}, {ns: 1e9, input: 1, output: 1}, {ns: 1e9, input: 3, output: 3}}},
	} {
		got, err := readTrace("f", []byte(tt.in))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}

// Each fault names the file and the line.
func TestBadTraces(t *testing.T) {
	const good = `{"timestamp": 0, "input_length": 6, "output_length": 7, "hash_ids": [1]}` + "\n"
	const header = "t_s,input_tokens,output_tokens\n"
	for in, want := range map[string]string{
		"":                             "f:1: neither JSON lines nor CSV",
		"{\n":                          "f:1: unexpected end",
		good + "{]":                    "f:2: invalid character",
		good + `{"timestamp": "soon"}`: "f:2: json: cannot unmarshal string",
		good + `{"input_length": 3}`:   "f:2: no time",
		good + `{"timestamp": 3}`:      "f:2: no output length",
		good + `{"timestamp": 3, "output_length": 3}`:                                         "f:2: no input length",
		good + `{"timestamp": -3, "input_length": 1, "output_length": 3}`:                     "f:2: time -0.003 s",
		good + `{"timestamp": 3, "input_length": 1, "output_length": 0}`:                      "f:2: output length 0",
		good + `{"timestamp": 3, "input_length": -1, "output_length": 1}`:                     "f:2: input length -1",
		good + `{"timestamp": 3, "input_length": 512, "output_length": 1, "hash_ids": [1,2]}`: "f:2: 2 hash_ids for 512 tokens",
		good + `{"timestamp": 1e15, "input_length": 5, "output_length": 1, "hash_ids": [1]}`:  "f: its times span 1e+12 s",
		"time,in\n1,2\n":               "f:1: no column t_s",
		header:                         "f: no requests",
		header + "1,2\n":               "f: record on line 2: wrong number of fields",
		header + "1,2,3\nx,2,3\n":      `f:3: t_s "x" is no number`,
		header + "1,2,3\n1,2.5,3\n":    `f:3: input_tokens "2.5" is no whole number`,
		header + "1,2,3\n1,2,\n":       `f:3: output_tokens "" is no whole number`,
		header + "1,2,3\nNaN,2,1\n":    "f:3: time NaN",
		header + "1,2,3\n1,2,\"3\n\n4": "f: record on line 3",
	} {
		if _, err := readTrace("f", []byte(in)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v; want %s...", in, err, want)
		}
	}
}

// Blocks of one hash are equal in a run, and other in the next.
func TestMooncakeBlocks(t *testing.T) {
	path := writeFile(t, "m.jsonl", `{"timestamp": 0, "input_length": 1030, "output_length": 7, "hash_ids": [1, 2]}
{"timestamp": 40, "input_length": 1024, "output_length": 7, "hash_ids": [1, 3]}
{"timestamp": 80, "input_length": 600, "output_length": 7, "hash_ids": [4, 2]}
`)
	s := open(t, Workload{Trace: &TraceFile{Path: path, Speed: 2}})
	p, q := s.Prompts(0, 3), s.Prompts(1, 3)
	same := func(a, b []int32) (n int) {
		for n < min(len(a), len(b)) && a[n] == b[n] {
			n++
		}
		return n
	}
	if n := same(p[0].TokenIDs, p[1].TokenIDs); n != 512 {
		t.Errorf("the first two share %d tokens, want 512", n)
	}
	if n := same(p[0].TokenIDs[512:1024], p[2].TokenIDs[512:]); n != 88 {
		t.Errorf("block 2 in another place shares %d tokens, want 88", n)
	}
	for i := range p {
		if n := same(p[i].TokenIDs, q[i].TokenIDs); n > 1 {
			t.Errorf("prompt %d of two runs share %d tokens", i, n)
		}
	}
	if len(p[0].TokenIDs) != 1030 || p[1].SharedTokens != 512 || p[2].SharedTokens != 0 || p[2].DueNS != 40e6 || s.Len() != 3 {
		t.Errorf("%d tokens, shared %d and %d, due %d, %d prompts", len(p[0].TokenIDs), p[1].SharedTokens, p[2].SharedTokens, p[2].DueNS, s.Len())
	}
}

func TestReadShareGPT(t *testing.T) {
	long := strings.Repeat("word ", 900) // 1,125 tokens
	in := `[
 {"id": "a", "conversations": [{"from": "human", "value": "What is a tensor, please?"}, {"from": "gpt", "value": "A tensor is an array of numbers."}]},
 {"id": "too short", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello there, how are you?"}]},
 {"id": "no answer", "conversations": [{"from": "human", "value": "What is a tensor, please?"}]},
 {"id": "too long", "conversations": [{"from": "human", "value": "` + long + `"}, {"from": "gpt", "value": "That was a long one, was it not?"}]},
 {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "And what is a matrix?"}, {"role": "assistant", "content": "A table of numbers, 2-D."}]}
]`
	rows, err := readShareGPT(ShareGPTFile{Path: "f"}, []byte(in))
	want := []row{{text: "What is a tensor, please?", input: 7, output: 8}, {text: "And what is a matrix?", input: 6, output: 6}}
	if diff := cmp.Diff(want, rows, cmp.AllowUnexported(row{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if rows, err = readShareGPT(ShareGPTFile{Path: "f", MaxInput: 2000, MaxTotal: 4000}, []byte(in)); len(rows) != 3 || err != nil {
		t.Errorf("with a wider bound: %d rows, %v", len(rows), err)
	}
	for in, want := range map[string]string{
		"":                                "f:1: no JSON list",
		"{}":                              "f:1: no JSON list",
		"[]":                              "f: of 0 conversations none",
		"[\n{}\n]":                        "f: of 1 conversations none",
		"[\n{},\n{\"conversations\": 3}]": "f:3: json: cannot unmarshal number",
		"[\n{},\n{]":                      "f:3: invalid character",
		"[\n{}\n":                         "f:3: ",
	} {
		if _, err := readShareGPT(ShareGPTFile{Path: "f"}, []byte(in)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v; want %s...", in, err, want)
		}
	}
}

// Prompts of a file are salted: no two begin alike, and each run has its own.
func TestShareGPTPrompts(t *testing.T) {
	path := writeFile(t, "s.json", `[{"conversations": [{"from": "human", "value": "What is a tensor, please?"}, {"from": "gpt", "value": "A tensor is an array."}]},
	{"conversations": [{"from": "human", "value": "What is a tensor, please?"}, {"from": "gpt", "value": "It is a box of numbers and more."}]}]`)
	s := open(t, Workload{ShareGPT: &ShareGPTFile{Path: path}})
	starts, outputs := map[string]bool{}, map[int]int{}
	for run := range uint64(3) {
		for _, p := range s.Prompts(run, 2) {
			if !strings.HasSuffix(p.Text, " What is a tensor, please?") {
				t.Errorf("%q", p.Text)
			}
			starts[p.Text] = true
			outputs[p.OutputTokens]++
		}
	}
	if len(starts) != 6 || outputs[6] != 3 || outputs[8] != 3 {
		t.Errorf("%d different prompts of 6, outputs %v", len(starts), outputs)
	}
	if p := open(t, Workload{ShareGPT: &ShareGPTFile{Path: path}, Output: "9"}).Prompts(0, 1)[0]; p.OutputTokens != 9 {
		t.Errorf("output of %d tokens, want 9", p.OutputTokens)
	}
}

// Whatever a file holds, it is read or refused with its name.
func FuzzTrace(f *testing.F) {
	for _, s := range []string{`{"timestamp":0,"input_length":6,"output_length":7,"hash_ids":[1]}`, "t_s,input_tokens,output_tokens,prompt\n0,1,2,x\n",
		`[{"conversations":[{"from":"human","value":"What is it, please?"},{"from":"gpt","value":"It is a box of numbers."}]}]`, "t_s\n", "[{", "{\n{"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		rows, err := readTrace("f", in)
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("error %v", err)
		}
		last := int64(0)
		for _, r := range rows {
			if r.ns < last || r.input < 1 || r.output < 1 {
				t.Errorf("row %+v after %d", r, last)
			}
			last = r.ns
		}
		rows, err = readShareGPT(ShareGPTFile{Path: "f"}, in)
		if (err == nil) != (len(rows) > 0) || err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("%d rows, error %v", len(rows), err)
		}
	})
}
