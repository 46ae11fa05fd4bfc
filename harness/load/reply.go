package load

import (
	"fmt"
	"strings"
)

// A reply gathers what the events of one answer say into its record.
type reply struct {
	rec      *Record
	total    int    // output tokens by the last event that said so
	chunks   int    // events with tokens so far
	counted  bool   // every chunk so far came with a count
	finished bool   // a finish reason came
	done     bool   // [DONE] came
	most     int    // chunks after which the stream is held to be endless
	cut      string // why the stream must be cut off; "" it need not be
	keep     bool   // the visible text is wanted
	text     transcript
}

// A stamp is when a read brought its bytes, in ns from the run's start.
type stamp struct {
	ns   int64 // the best that is known: the kernel's where there is one
	user int64 // when the program had them
}

// stampGrainNS is what stamps are rounded down to. Their own error is a few
// microseconds (kernel) and more (program), so that the lowest eight bits are noise: as
// such they would take a third of a file of stamps, for no compression shortens them.
const stampGrainNS = 256

// rounded is the stamp as it is kept.
func (s stamp) rounded() stamp {
	return stamp{ns: s.ns &^ (stampGrainNS - 1), user: s.user &^ (stampGrainNS - 1)}
}

func newReply(rec *Record, c *call) reply {
	// A chunk holds at least one token, so that twice the tokens asked for is
	// already a wrong count; the slack lets small answers show by how much.
	return reply{rec: rec, counted: true, most: 2*rec.RequestedTokens + 64, keep: c.keep, text: transcript{whole: c.whole}}
}

// ended reports whether the server has said that the answer is whole.
func (p *reply) ended() bool { return p.done || p.finished }

// event takes one event that a read brought.
func (p *reply) event(data []byte, at stamp) {
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
	p.done = p.done || c.kind == KindDone
	if c.finish != "" {
		p.finished, rec.FinishReason, rec.FinishNS = true, c.finish, at.ns
	}
	if c.kind.Choices() {
		if rec.FirstChoicesNS < 0 {
			rec.FirstChoicesNS = at.ns
		}
		rec.LastChoicesNS = at.ns
	}
	if c.prompt >= 0 {
		rec.PromptTokens = c.prompt
	}
	if c.cached >= 0 {
		rec.CachedTokens = c.cached
	}
	if p.keep && len(c.text) > 0 {
		p.text.add(c.text)
	}
	p.note(p.tokens(&c, at), c.kind, at)
	if p.chunks > p.most {
		rec.fail(ClassWrongCount, "the stream does not end: more than twice the tokens asked for have come")
		p.cut = "endless"
	}
}

// note adds an event to the record's list.
func (p *reply) note(tokens int, kind ChunkKind, at stamp) {
	const spare = 4096 // events without tokens that are kept
	rec := p.rec
	if tokens == 0 && !kind.text() && len(rec.ChunkNS) >= p.chunks+spare {
		return
	}
	rec.ChunkNS = append(rec.ChunkNS, at.ns)
	if rec.ChunkUserNS != nil {
		rec.ChunkUserNS = append(rec.ChunkUserNS, at.user)
	}
	rec.ChunkTokens = append(rec.ChunkTokens, int32(tokens))
	rec.ChunkKind = append(rec.ChunkKind, kind)
	rec.ChunkRead = append(rec.ChunkRead, int32(rec.Reads))
}

// tokens decides whether the event brought tokens, and how many; it corrects the
// event's kind by that.
//
// Some servers count in each event, some only at the end. A count that grew means
// tokens, also where they make no text yet (half a character). But the count at
// the end of a stream whose chunks were not counted is a total, and no chunk of
// its own. Text whose count did not grow is the rest of a token that is already
// counted.
func (p *reply) tokens(c *chunk, at stamp) (delta int) {
	rec := p.rec
	if c.output < 0 && c.ids >= 0 && p.counted {
		c.output = p.total + c.ids
	}
	grew := c.output > p.total
	first := p.chunks == 0
	isChunk := c.kind.text()
	if c.output >= 0 && p.counted {
		isChunk = grew || (isChunk && first)
		delta = c.output - p.total
	}
	if c.output >= 0 {
		p.total = c.output
		rec.OutputTokens = c.output
		rec.UsageNS = at.ns
	}
	if !isChunk {
		if c.kind.text() {
			c.kind = KindEmpty
		}
		return 0
	}
	p.counted = p.counted && c.output >= 0
	p.chunks++
	if first {
		rec.FirstTokenNS = at.ns
	}
	if rec.FirstVisibleNS < 0 && (c.kind == KindContent || c.kind == KindTool) {
		rec.FirstVisibleNS = at.ns
	}
	rec.LastTokenNS = at.ns
	return delta
}

// judge gives a whole answer its class. whole is false where the connection ended
// before the response did.
func (p *reply) judge(whole, exact bool) {
	rec := p.rec
	if p.keep {
		rec.Text = p.text.string()
	}
	switch {
	case rec.Class != "":
	case !p.ended():
		rec.fail(ClassTruncated, "the stream ended without a finish reason or [DONE]")
	case !whole && !p.done && rec.OutputTokens < 0:
		rec.fail(ClassTruncated, "the connection ended before the usage came")
	case p.chunks == 0:
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
