package space

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sameVerdict fails unless AppendCheck says of a line what Check says of its config.
func sameVerdict(t *testing.T, l *Lattice, checker *Checker, line []byte) {
	t.Helper()
	got, err := checker.AppendCheck([]byte("x"), line)
	c, bad := parseConfig(line)
	if (err != nil) != (bad != nil) || err != nil && string(got) != "x" {
		t.Fatalf("%s: %v, want %v: %s", line, err, bad, got)
	}
	if bad != nil {
		return
	}
	want, err := json.Marshal(l.Check(c))
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got[1:], &a); err != nil {
		t.Fatalf("%s: %v: %s", line, err, got)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%s:\n%s, want\n%s", line, got, want)
	}
}

var oddLines = []string{`{}`, ` { } `, `{"tp_size":2}`, "{\"tp_size\" : 2 ,\t\"page_size\":null}", `{"tp_size":2.0}`, `{"tp_size":3}`, `{"tp_size":2,"tp_size":4}`,
	`{"config":{"tp_size":2},"id":7}`, `{"config":null}`, `{"config":3}`, `null`, `[]`, `{"tp_size":2`, `{"tp_size":2}}`, `{"tp_size":2,}`, `{"nonsense":1}`,
	`{"tp\u005fsize":2}`, `{"attention_backend":"fa3"}`, `{"attention_backend":"fa\u0033"}`, `{"attention_backend":"a,b"}`, `{"attention_backend":fa3}`,
	`{"mem_fraction_static":0.70}`, `{"mem_fraction_static":7e-1}`, `{"tp_size":[1]}`, `{"tp_size":1e999}`, "{\"a\":\"\x01\"}", "{\"\xff\":1}", ``,
	`{"config":{"tp_size":2},"rank":"12"}`, `{"rank":"12","config":{"tp_size":2}}`, `{"rank":"1","config":{"tp_size":2}`, `{"rank":x,"config":{"tp_size":2}}`, `{"config":{"tp_size":2},"config":{"tp_size":4}}`,
	`{"tp_size":2,"config":{}}`, `{"config":{"attention_backend":"}"}}`, `{"config":{"tp_size":2},}`, `{"x":null,"config":{"tp_size":2}}`, `{"config":{"tp_size":2}} {}`, `{"x":"\u0041","config":{}}`, `{"\xff":1,"config":{}}`, `{"rank":"` + "\x01" + `","config":{}}`}

func TestAppendCheck(t *testing.T) {
	l := compile(t, "sglang", Options{Facts: llama8()})
	checker := l.Checker()
	for _, line := range oddLines {
		sameVerdict(t, l, checker, []byte(line))
	}
	for i, row := range readVerdicts(t) {
		if i%5 > 0 {
			continue
		}
		line, err := json.Marshal(row.Config)
		if err != nil {
			t.Fatal(err)
		}
		sameVerdict(t, l, checker, line)
	}
}

func FuzzAppendCheck(f *testing.F) {
	for _, line := range oddLines {
		f.Add([]byte(line))
	}
	s, err := Load("sglang18")
	if err != nil {
		f.Fatal(err)
	}
	l, err := s.Compile(Options{Facts: llama8()})
	if err != nil {
		f.Fatal(err)
	}
	checker := l.Checker()
	f.Fuzz(func(t *testing.T, line []byte) { sameVerdict(t, l, checker, line) })
}

func TestRankText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rank{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")}
		if rapid.Bool().Draw(t, "zeros") {
			r.Lo = 0
		}
		b := new(big.Int).SetUint64(r.Hi)
		b.Or(b.Lsh(b, 64), new(big.Int).SetUint64(r.Lo))
		if r.String() != b.String() {
			t.Fatalf("%s, want %s", r, b)
		}
		if back, err := ParseRank(r.String()); err != nil || back != r {
			t.Fatalf("%v is read as %v, %v", r, back, err)
		}
	})
	if s := (Rank{1, 0}).String(); !strings.HasPrefix(s, "18446744073709551616") {
		t.Error(s)
	}
}

func BenchmarkAppendCheck(b *testing.B) {
	l := compile(b, "sglang", Options{Facts: verdictFacts()["dense"], Tune: []string{"all"}})
	var lines [][]byte
	for _, row := range readVerdicts(b) {
		if row.Model == "dense" {
			line, _ := json.Marshal(row.Config)
			lines = append(lines, line)
		}
	}
	checker := l.Checker()
	var out []byte
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		out, _ = checker.AppendCheck(out[:0], lines[i%len(lines)])
		i++
	}
}
