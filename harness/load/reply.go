package load

import (
	"fmt"
	"strings"
)

// A reply gathers what the events of one answer say into its record.
type reply struct {
	rec      *Record
	total    int    // output tokens by the last event that said so
	counted  bool   // every chunk so far came with a count
	finished bool   // a finish reason came
	done     bool   // [DONE] came
	most     int    // chunks after which the stream is held to be endless
	cut      string // why the stream must be cut off; "" it need not be
}

func newReply(rec *Record) reply {
	// A chunk holds at least one token, so that twice the tokens asked for is
	// already a wrong count; the slack lets small answers show by how much.
	return reply{rec: rec, counted: true, most: 2*rec.RequestedTokens + 64}
}

// ended reports whether the server has said that the answer is whole.
func (p *reply) ended() bool { return p.done || p.finished }

// event takes one event that the read at time ns brought.
func (p *reply) event(data []byte, ns int64) {
	c, ok := parse(data)
	rec := p.rec
	switch {
	case !ok:
		rec.fail(ClassProtocol, "event is not JSON: "+shorten(string(data)))
		p.cut = "bad event"
		return
	case c.failure != "":
		rec.fail(ClassInBand, oneLine(c.failure))
	case c.finish == "abort" || c.finish == "error":
		rec.fail(ClassInBand, "finish reason "+c.finish)
	}
	p.done = p.done || c.done
	if c.finish != "" {
		p.finished, rec.FinishReason = true, c.finish
	}
	if c.prompt >= 0 {
		rec.PromptTokens = c.prompt
	}
	if c.cached >= 0 {
		rec.CachedTokens = c.cached
	}
	if p.tokens(c, ns); len(rec.ChunkNS) > p.most {
		rec.fail(ClassWrongCount, "the stream does not end: more than twice the tokens asked for have come")
		p.cut = "endless"
	}
}

// tokens decides whether the event brought tokens, and how many.
//
// Some servers count in each event, some only at the end. A count that grew means
// tokens, also where they make no text yet (half a character). But the count at
// the end of a stream whose chunks were not counted is a total, and no chunk of
// its own. Text whose count did not grow is the rest of a token that is already
// counted.
func (p *reply) tokens(c chunk, ns int64) {
	rec := p.rec
	grew := c.output > p.total
	first := len(rec.ChunkNS) == 0
	isChunk := c.text
	delta := 0
	if c.output >= 0 && p.counted {
		isChunk = grew || (c.text && first)
		delta = c.output - p.total
	}
	if c.output >= 0 {
		p.total = c.output
		rec.OutputTokens = c.output
	}
	if !isChunk {
		return
	}
	p.counted = p.counted && c.output >= 0
	if first {
		rec.FirstTokenNS = ns
	}
	rec.LastTokenNS = ns
	rec.ChunkNS = append(rec.ChunkNS, ns)
	rec.ChunkTokens = append(rec.ChunkTokens, int32(delta))
}

// judge gives a whole answer its class. whole is false where the connection ended
// before the response did.
func (p *reply) judge(whole, exact bool) {
	rec := p.rec
	switch {
	case rec.Class != "":
	case !p.ended():
		rec.fail(ClassTruncated, "the stream ended without a finish reason or [DONE]")
	case !whole && !p.done && rec.OutputTokens < 0:
		rec.fail(ClassTruncated, "the connection ended before the usage came")
	case len(rec.ChunkNS) == 0:
		rec.fail(ClassEmpty, "status 200, and no token")
	case rec.OutputTokens < 0:
		rec.fail(ClassNoUsage, "the server did not say how many tokens it made: does it know stream_options.include_usage?")
	case exact && rec.OutputTokens != rec.RequestedTokens:
		rec.fail(ClassWrongCount, fmt.Sprintf("%d tokens, and %d were asked for", rec.OutputTokens, rec.RequestedTokens))
	}
}

// oneLine makes a server's message fit a table.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "..."
	}
	return s
}
