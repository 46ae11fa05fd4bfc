package load

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// eventsOf feeds the parts, ends the stream, and returns the data of each event.
func eventsOf(t interface{ Fatal(...any) }, parts ...[]byte) []string {
	var s events
	var got []string
	event := func(data []byte, comment bool) {
		if !comment {
			got = append(got, string(data))
		}
	}
	for _, p := range parts {
		if err := s.feed(bytes.Clone(p), event); err != nil {
			t.Fatal(err)
		}
	}
	s.flush(event)
	return got
}

var eventTable = []struct {
	name, in string
	want     []string
}{
	{"one", "data: a\n\n", []string{"a"}},
	{"no blank after the colon", "data:a\n\n", []string{"a"}},
	{"only the first blank is taken", "data:  a\n\n", []string{" a"}},
	{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
	{"CR", "data: a\r\rdata: b\r\r", []string{"a", "b"}},
	{"mixed ends", "data: a\n\r\ndata: b\r\n\ndata: c\r\n\r", []string{"a", "b", "c"}},
	{"comments", ": ping\n\n:\n\ndata: a\n: in between\n\n", []string{"a"}},
	{"several lines are one event", "data: {\ndata: }\n\n", []string{"{\n}"}},
	{"several lines, CRLF", "data: {\r\ndata: }\r\n\r\n", []string{"{\n}"}},
	{"empty data", "data\n\ndata:\n\ndata: \n\n", []string{"", "", ""}},
	{"other fields", "event: x\nid: 7\nretry: 3\ndata: a\ndatas: b\ndat: c\n\n", []string{"a"}},
	{"blank lines", "\n\n\ndata: a\n\n\n\n", []string{"a"}},
	{"byte order mark", "\ufeffdata: a\n\ndata: b\n\n", []string{"a", "b"}},
	{"last blank line missing", "data: a\n\ndata: [DONE]\n", []string{"a", "[DONE]"}},
	{"last line not ended", "data: a\n\ndata: {\"te", []string{"a"}},
	{"UTF-8", "data: \u00e9\u20ac\U0001f600\n\n", []string{"\u00e9\u20ac\U0001f600"}},
	{"not UTF-8", "data: \xff\xfe\n\n", []string{"\xff\xfe"}},
	{"nothing", "", nil},
}

// Every event, at every split into two reads and byte for byte.
func TestEventsAtEverySplit(t *testing.T) {
	for _, tt := range eventTable {
		t.Run(tt.name, func(t *testing.T) {
			in := []byte(tt.in)
			for i := range len(in) + 1 {
				if got := eventsOf(t, in[:i], in[i:]); !slices.Equal(got, tt.want) {
					t.Errorf("split at %d: %q, want %q", i, got, tt.want)
				}
			}
			if got := eventsOf(t, slices.Collect(slices.Chunk(in, 1))...); !slices.Equal(got, tt.want) {
				t.Errorf("byte for byte: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEventTooLong(t *testing.T) {
	var s events
	mib := bytes.Repeat([]byte("x"), 1<<20)
	for i := range 20 {
		if err := s.feed(mib, func([]byte, bool) {}); err != nil {
			if i != maxEvent>>20 {
				t.Errorf("refused after %d MiB, want %d", i, maxEvent>>20)
			}
			return
		}
	}
	t.Error("20 MiB of one line were taken")
}

// slowEvents is the standard's algorithm, line by line over the whole input.
func slowEvents(in string) []string {
	in = strings.TrimPrefix(in, "\ufeff")
	in = strings.ReplaceAll(strings.ReplaceAll(in, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(in, "\n")
	var got, data []string
	for i, line := range lines[:len(lines)-1] {
		name, value, _ := strings.Cut(line, ":")
		if name == "data" {
			data = append(data, strings.TrimPrefix(value, " "))
		}
		if data != nil && (line == "" || i == len(lines)-2) {
			got = append(got, strings.Join(data, "\n"))
			data = nil
		}
	}
	return got
}

func FuzzEvents(f *testing.F) {
	for _, tt := range eventTable {
		f.Add([]byte(tt.in), uint(3), uint(5))
	}
	f.Add([]byte("data: a\r"), uint(7), uint(8))
	f.Fuzz(func(t *testing.T, in []byte, i, j uint) {
		a, b := i%uint(len(in)+1), j%uint(len(in)+1)
		if a > b {
			a, b = b, a
		}
		if got, want := eventsOf(t, in[:a], in[a:b], in[b:]), slowEvents(string(in)); !slices.Equal(got, want) {
			t.Errorf("%q at %d and %d: %q, want %q", in, a, b, got, want)
		}
	})
}

func TestEventsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringOfN(rapid.RuneFrom([]rune("\r\n: dat\ufeffx")), 0, 40, -1).Draw(t, "in")
		var parts [][]byte
		for rest := []byte(in); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		if got, want := eventsOf(t, parts...), slowEvents(in); !slices.Equal(got, want) {
			t.Fatalf("%q in %d parts: %q, want %q", in, len(parts), got, want)
		}
	})
}

// The cost of an event that came in a read of its own, and of one among many.
func BenchmarkEvent(b *testing.B) {
	text := []byte(`data: {"id":"cmpl-b153","object":"text_completion","created":1795447086,"model":"tiny","choices":[{"index":0,"text":" w1716","logprobs":null,"finish_reason":null,"stop_reason":null}]}` + "\n\n")
	native := []byte(`data: {"text":"` + strings.Repeat(" word", 64) + `","output_ids":[5],"meta_info":{"id":"5a","finish_reason":null,"prompt_tokens":128,"weight_version":"default","completion_tokens":64,"cached_tokens":0}}` + "\n\n")
	for _, bm := range []struct {
		name  string
		event []byte
		many  int
	}{{"completions", text, 1}, {"completions_shared_read", text, 50}, {"generate", native, 1}} {
		b.Run(bm.name, func(b *testing.B) {
			part := bytes.Repeat(bm.event, bm.many)
			body := fmt.Appendf(nil, "%x\r\n%s\r\n", len(part), part)
			rec := Record{RequestedTokens: b.N * bm.many}
			rec.grow(1<<16, true)
			s := answer{}
			if err := begin(&s, &rec); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for range b.N {
				if len(rec.ChunkNS) > 1<<15 {
					rec.begin(0)
				}
				if err := s.feed(body, stamp{ns: 1}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bm.many), "ns/event")
		})
	}
}

// What comes while the clock runs is taken without an allocation.
func TestEventsAllocateNothing(t *testing.T) {
	for _, event := range []string{
		`data: {"id":"cmpl-b153","choices":[{"index":0,"text":" w1716","finish_reason":null}]}` + "\n\n",
		`data: {"text":" word word","output_ids":[5],"meta_info":{"finish_reason":null,"prompt_tokens":128,"completion_tokens":64,"cached_tokens":0}}` + "\n\n",
		`data: {"choices":[{"delta":{"content":"w"}}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}` + "\n\n",
	} {
		body := fmt.Appendf(nil, "%x\r\n%s\r\n", len(event), event)
		rec := Record{RequestedTokens: 1 << 16}
		rec.grow(1<<12, true)
		s := answer{}
		if err := begin(&s, &rec); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(1000, func() {
			if s.feed(body, stamp{ns: 1}) != nil {
				t.Error("not read")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations an event", event, n)
		}
	}
}

// begin feeds s the head of an answer.
func begin(s *answer, rec *Record) error {
	s.reply = newReply(rec, &call{})
	return s.feed([]byte(streamHead), stamp{})
}
