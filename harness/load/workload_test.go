package load

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// open is Open of a workload that must be good.
func open(t interface {
	Helper()
	Fatal(...any)
}, w Workload) *Source {
	t.Helper()
	s, err := w.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPromptsAreUniqueFromTheFirstToken(t *testing.T) {
	s := open(t, Workload{Input: "32", Output: "4", Seed: 9})
	seen := map[int32]bool{}
	for run := range uint64(saltRuns) {
		for _, p := range s.Prompts(run, 30000/saltRuns) {
			if seen[p.TokenIDs[0]] {
				t.Fatalf("run %d: first token %d was used before", run, p.TokenIDs[0])
			}
			seen[p.TokenIDs[0]] = true
		}
	}
}

func TestTextPromptsAreUnique(t *testing.T) {
	if sorted := slices.Sorted(slices.Values(words)); len(slices.Compact(sorted)) != len(words) {
		t.Error("a word is there twice")
	}
	s := open(t, Workload{Input: "12", Output: "4", Seed: 9, Text: true})
	seen := map[string]bool{}
	for run := range uint64(20) {
		for _, p := range s.Prompts(run, 200) {
			f := strings.Fields(p.Text)
			if len(f) != 12 || p.TokenIDs != nil {
				t.Fatalf("%q: want 12 words and no ids", p.Text)
			}
			start := strings.Join(f[:4], " ")
			if seen[start] {
				t.Fatalf("run %d: %q began a prompt before", run, start)
			}
			seen[start] = true
		}
	}
}

// Every kind of workload: the same prompts for the same run however many are made,
// ids inside the vocabulary, lengths as drawn, others in another run.
func TestPromptsProperty(t *testing.T) {
	trace := writeFile(t, "t.jsonl", strings.Repeat(`{"timestamp":5,"input_length":700,"output_length":3,"hash_ids":[1,2]}`+"\n", 30))
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.IntRange(0, 1000).Draw(t, "low")
		w := Workload{
			Input: Lengths(rapid.SampledFrom([]string{"1", "17", "uniform:1-50", "normal:20,9", "lognormal:9,1,1-60"}).Draw(t, "input")), Output: "uniform:2-5",
			VocabLow: low, VocabHigh: low + rapid.IntRange(1, 500).Draw(t, "vocabulary"),
			Seed: rapid.Uint64().Draw(t, "seed"),
			Text: rapid.Bool().Draw(t, "text"),
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 1:
			w.Prefix = &Prefix{Groups: rapid.IntRange(1, 4).Draw(t, "groups"), PerGroup: rapid.IntRange(1, 4).Draw(t, "each"), Tokens: 30}
		case 2:
			w.Turns = &Turns{Count: rapid.IntRange(1, 4).Draw(t, "turns"), ThinkSeconds: 0.5}
		case 3:
			w.Trace, w.Input, w.Output = &TraceFile{Path: trace}, "", ""
		}
		s := open(t, w)
		run := rapid.Uint64().Draw(t, "run")
		n := rapid.IntRange(0, 20).Draw(t, "n")
		got := s.Prompts(run, n)
		if len(got) != n || !reflect.DeepEqual(got, open(t, w).Prompts(run, n)) || !reflect.DeepEqual(got, s.Prompts(run, n+3)[:n]) {
			t.Fatal("the same workload and run gave other prompts")
		}
		for _, p := range got {
			length := len(p.TokenIDs) + len(strings.Fields(p.Text))
			if (p.Text != "") != (w.Text || w.Turns != nil) || length < 1 || length > 800 || p.OutputTokens < 2 || p.OutputTokens > 5 {
				t.Fatalf("%d tokens in, %d out: %q", length, p.OutputTokens, p.Text)
			}
			if w.Input == "17" && w.Prefix == nil && length != 17 {
				t.Fatalf("%d tokens, want 17", length)
			}
			for _, id := range p.TokenIDs {
				if int(id) < w.VocabLow || int(id) >= w.VocabHigh {
					t.Fatalf("token %d is outside [%d, %d)", id, w.VocabLow, w.VocabHigh)
				}
			}
		}
	})
}

func TestSharedPrefix(t *testing.T) {
	for _, text := range []bool{false, true} {
		s := open(t, Workload{Input: "8", Output: "2", Seed: 3, Text: text, Prefix: &Prefix{Groups: 4, PerGroup: 5, Tokens: 40}})
		starts := map[string]int{}
		all, shared := map[string]bool{}, 0
		for run := range uint64(2) {
			for _, p := range s.Prompts(run, 20) {
				tokens := strings.Fields(p.Text)
				for _, id := range p.TokenIDs {
					tokens = append(tokens, fmt.Sprint(id))
				}
				if len(tokens) != 48 {
					t.Fatalf("%d tokens, want 48", len(tokens))
				}
				starts[strings.Join(tokens[:40], " ")]++
				all[strings.Join(tokens, " ")] = true
				shared += p.SharedTokens
			}
		}
		if len(starts) != 8 || len(all) != 40 || shared != 2*4*4*40 {
			t.Errorf("text %v: %d beginnings and %d prompts in two runs of 4 groups of 5, %d tokens shared; want 8, 40, 1280", text, len(starts), len(all), shared)
		}
		for start, n := range starts {
			if n != 5 {
				t.Errorf("%.20s... begins %d prompts, want 5", start, n)
			}
		}
	}
}

func TestConversations(t *testing.T) {
	s := open(t, Workload{Input: "6", Output: "3", Turns: &Turns{Count: 3, ThinkSeconds: 1.5}})
	got := s.Prompts(1, 7)
	after := []int{0, 1, 2, 0, 4, 5, 0}
	shared := []int{0, 9, 18, 0, 9, 18, 0}
	for i, p := range got {
		if p.After != after[i] || p.SharedTokens != shared[i] || p.AppendAnswer != (after[i] > 0) || (p.ThinkNS == 1.5e9) != (after[i] > 0) || len(strings.Fields(p.Text)) != 6 {
			t.Errorf("turn %d: %+v", i, p)
		}
	}
	if in, out := s.MeanTokens(); in != 15 || out != 3 || s.MostTokens() != 27 {
		t.Errorf("mean %v in, %v out, most %d; want 15 (6, 15 and 24), 3, 27", in, out, s.MostTokens())
	}
}

// The mean and the spread of drawn lengths are those that were asked for.
func TestLengthsDraw(t *testing.T) {
	file := writeFile(t, "l.txt", "# two\n10\n\n30 # the longer\n")
	for _, tt := range []struct {
		in        Lengths
		mean, sd  float64 // of a draw
		low, high int     // seen at most
	}{
		{"512", 512, 0, 512, 512},
		{"uniform:100-200", 150, 29.15, 100, 200},
		{"normal:500,50", 500, 50, 1, 1000},
		{"normal:500,50,450-550", 500, 27, 450, 550},
		{"lognormal:500,0.5", 500 * math.Exp(0.125), 302, 1, 1 << 20}, // sd = mean*sqrt(e^(s^2)-1)
		{Lengths("empirical:" + file), 20, 10, 10, 30},
	} {
		s := open(t, Workload{Input: tt.in, Output: "1"})
		rng := rand.New(rand.NewPCG(1, 1))
		const n = 20000
		sum, squares := 0.0, 0.0
		for range n {
			v := s.in.draw(rng)
			if v < tt.low || v > tt.high {
				t.Fatalf("%s: %d is outside of %d to %d", tt.in, v, tt.low, tt.high)
			}
			sum, squares = sum+float64(v), squares+float64(v)*float64(v)
		}
		mean := sum / n
		sd := math.Sqrt(max(0, squares/n-mean*mean))
		if math.Abs(mean-tt.mean) > 5*tt.sd/math.Sqrt(n)+1e-9 || math.Abs(sd-tt.sd) > 0.03*tt.sd+1e-9 {
			t.Errorf("%s: mean %v, sd %v; want %v, %v", tt.in, mean, sd, tt.mean, tt.sd)
		}
		if m := s.in.mean(); math.Abs(m-tt.mean) > 1e-9 {
			t.Errorf("%s: expected mean %v, want %v", tt.in, m, tt.mean)
		}
	}
}

func TestRangeRatio(t *testing.T) {
	for _, tt := range []struct {
		style string
		n     int
		ratio float64
		want  Lengths // "" is an error
	}{
		{"sglang", 1000, 0, "uniform:1-1000"},
		{"sglang", 1000, 0.3, "uniform:300-1000"},
		{"sglang", 1000, 1, "1000"},
		{"vllm", 1000, 0, "1000"},
		{"vllm", 1001, 0.3, "uniform:700-1302"},
		{"vllm", 1, 0.9, "uniform:1-2"},
		{"vllm", 1000, 1, ""}, {"sglang", 1000, 1.1, ""}, {"sglang", 1000, -0.1, ""}, {"vllm", 1000, math.NaN(), ""}, {"", 1000, 0.5, ""}, {"sglang", 0, 0.5, ""},
	} {
		got, err := RangeRatio(tt.style, tt.n, tt.ratio)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s, %d, %v: %q, %v; want %q", tt.style, tt.n, tt.ratio, got, err, tt.want)
		}
	}
}

func TestWorkloadHash(t *testing.T) {
	w := Workload{Input: "128", Output: "32"}
	if got, want := w.Hash(), (Workload{Input: "128", Output: "32", VocabLow: 1000, VocabHigh: 31000}).Hash(); got != want || len(got) != 16 {
		t.Errorf("%q and %q: the default vocabulary has another hash than the same one given", got, want)
	}
	one, other := writeFile(t, "a.csv", "t_s,input_tokens,output_tokens\n0,5,5\n"), writeFile(t, "b.csv", "t_s,input_tokens,output_tokens\n0,5,6\n")
	copied := writeFile(t, "c.csv", "t_s,input_tokens,output_tokens\n0,5,5\n")
	seen := map[string]Workload{w.Hash(): w}
	for _, change := range []func(*Workload){
		func(w *Workload) { w.Input = "129" }, func(w *Workload) { w.Output = "33" }, func(w *Workload) { w.VocabLow, w.VocabHigh = 1, 9 },
		func(w *Workload) { w.Seed = 1 }, func(w *Workload) { w.Text = true }, func(w *Workload) { w.Prefix = &Prefix{1, 1, 1} },
		func(w *Workload) { w.Turns = &Turns{Count: 2} }, func(w *Workload) { w.Cost = &TextCost{Words: []float64{2}} },
		func(w *Workload) { w.Trace, w.Input, w.Output = &TraceFile{Path: one}, "", "" },
		func(w *Workload) { w.Trace, w.Input, w.Output = &TraceFile{Path: other}, "", "" },
		func(w *Workload) { w.Trace, w.Input, w.Output = &TraceFile{Path: one, Speed: 2}, "", "" },
	} {
		v := w
		change(&v)
		v = open(t, v).Workload()
		if was, ok := seen[v.Hash()]; ok {
			t.Errorf("%+v has the hash of %+v", v, was)
		}
		seen[v.Hash()] = v
	}
	if moved := open(t, Workload{Trace: &TraceFile{Path: copied}}).Workload(); seen[moved.Hash()].Trace == nil {
		t.Error("a file that was moved changes the hash")
	}
}

func TestWorkloadValidate(t *testing.T) {
	good := Workload{Input: "1", Output: "1"}
	for _, change := range []func(*Workload){
		func(w *Workload) { w.Input = "" }, func(w *Workload) { w.Output = "" }, func(w *Workload) { w.Input = "0" },
		func(w *Workload) { w.Input = "much" }, func(w *Workload) { w.Input = "uniform:9-5" }, func(w *Workload) { w.Input = "uniform:9" },
		func(w *Workload) { w.Input = "normal:5" }, func(w *Workload) { w.Input = "normal:0,1" }, func(w *Workload) { w.Input = "normal:5,nan" },
		func(w *Workload) { w.Input = "normal:5,1,6-9" }, func(w *Workload) { w.Input = "lognormal:5,-1" }, func(w *Workload) { w.Input = "empirical:" },
		func(w *Workload) { w.Input = "zipf:3" }, func(w *Workload) { w.Input = "99999999999" },
		func(w *Workload) { w.VocabLow, w.VocabHigh = 5, 5 }, func(w *Workload) { w.VocabLow, w.VocabHigh = 9, 5 }, func(w *Workload) { w.VocabLow, w.VocabHigh = -1, 5 },
		func(w *Workload) { w.Prefix = &Prefix{0, 1, 1} }, func(w *Workload) { w.Prefix = &Prefix{1, 1, 0} }, func(w *Workload) { w.Turns = &Turns{} },
		func(w *Workload) { w.Turns = &Turns{2, -1} }, func(w *Workload) { w.Turns, w.Prefix = &Turns{Count: 2}, &Prefix{1, 1, 1} },
		func(w *Workload) { w.Trace = &TraceFile{Path: "x"} }, func(w *Workload) { w.Input, w.Output, w.Trace = "", "", &TraceFile{Path: "x", Speed: -1} },
		func(w *Workload) { w.Input, w.ShareGPT = "", &ShareGPTFile{} }, func(w *Workload) { w.Cost = &TextCost{Words: []float64{1, 2}} },
	} {
		w := good
		change(&w)
		if err := w.Validate(); err == nil {
			t.Errorf("%+v is taken for valid", w)
		}
		if s, err := w.Open(); err == nil {
			t.Errorf("%+v was opened: %v", w, s)
		}
	}
}

// A workload that went through JSON makes the same prompts; a file that changed is
// refused.
func TestWorkloadFilesAreHeld(t *testing.T) {
	path := writeFile(t, "t.csv", "t_s,input_tokens,output_tokens\n0,5,5\n")
	w := open(t, Workload{Trace: &TraceFile{Path: path}}).Workload()
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var back Workload
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(w, back) {
		t.Fatalf("%s gave %+v, %v; want %+v", text, back, err, w)
	}
	open(t, back)
	if err := os.WriteFile(path, []byte("t_s,input_tokens,output_tokens\n0,5,6\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Open(); err == nil || !strings.Contains(err.Error(), "t.csv has changed") {
		t.Errorf("a changed file: %v", err)
	}
	if _, err := (Workload{Trace: &TraceFile{Path: path + "x"}}).Open(); err == nil || !strings.Contains(err.Error(), "t.csvx") {
		t.Errorf("a missing file: %v", err)
	}
}

// Words of known cost add up to the length that was asked for.
func TestTextCost(t *testing.T) {
	cost := &TextCost{Overhead: 5, Words: make([]float64, len(words))}
	for i := range cost.Words {
		cost.Words[i] = float64(1 + i%4)
	}
	index := map[string]int{}
	for i, w := range words {
		index[w] = i
	}
	s := open(t, Workload{Input: "uniform:6-300", Output: "1", Text: true, Cost: cost})
	for i, p := range s.Prompts(3, 200) {
		sum := 5.0
		for _, w := range strings.Fields(p.Text) {
			sum += cost.Words[index[w]]
		}
		if want := float64(s.in.draw(s.rng(3, i))); sum != want {
			t.Fatalf("%q has %v tokens, want %v", p.Text, sum, want)
		}
	}
	half := open(t, Workload{Input: "100", Output: "1", Text: true, Cost: &TextCost{Overhead: 10, Words: []float64{1.5}}})
	if n := len(strings.Fields(half.Prompts(0, 1)[0].Text)); n != 60 {
		t.Errorf("%d words of 1.5 tokens for 90, want 60", n)
	}
}

func FuzzLengths(f *testing.F) {
	for _, s := range []string{"512", "uniform:1-9", "normal:5,2,1-9", "lognormal:512,0.8", "empirical:x", "normal:1e300,1e300", "uniform:-1--2"} {
		f.Add(s)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Lengths(text).parse()
		if err != nil || d.file != "" {
			return
		}
		for range 3 {
			if v := d.draw(rng); v < 1 || v > maxLength || v < d.low || v > d.high {
				t.Errorf("%q drew %d", text, v)
			}
		}
		if m := d.mean(); !(m >= 1) || d.most() < 1 {
			t.Errorf("%q: mean %v, most %d", text, m, d.most())
		}
	})
}
