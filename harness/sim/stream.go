package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// An eventStream writes server-sent events. Its buffer is used again for each
// batch: ten thousand events a second leave no garbage.
type eventStream struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	buf   []byte
}

func newEventStream(w http.ResponseWriter) *eventStream {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	return &eventStream{w: w, flush: http.NewResponseController(w)}
}

// send writes what is in the buffer, at once.
func (e *eventStream) send() error {
	if _, err := e.w.Write(e.buf); err != nil {
		return err
	}
	e.buf = e.buf[:0]
	return e.flush.Flush()
}

// done ends the stream.
func (e *eventStream) done() error {
	e.buf = append(e.buf, "data: [DONE]\n\n"...)
	return e.send()
}

// fail puts an error into the stream, as SGLang does once a stream was asked for.
func (e *eventStream) fail(message string) error {
	e.buf = append(e.buf, `data: {"error": {"message": `...)
	e.buf = append(e.buf, quoted(message)...)
	e.buf = append(e.buf, "}}\n\n"...)
	return e.done()
}

// quoted is a text as JSON.
func quoted(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always can be
	}
	return text
}

// An answer is the text and ids of a sequence's output, grown token by token.
type answer struct {
	q    *sequence
	n    int
	text []byte
	ids  []byte // decimal, between ", "
}

// grow adds the tokens up to n.
func (a *answer) grow(n int) {
	for ; a.n < n; a.n++ {
		a.text = append(a.text, ' ')
		a.text = append(a.text, outputWord(a.q.seed, a.n)...)
		if a.n > 0 {
			a.ids = append(a.ids, ", "...)
		}
		a.ids = strconv.AppendInt(a.ids, int64(outputID(a.q.seed, a.n)), 10)
	}
}

// cut forgets what was said, so that only new tokens are kept.
func (a *answer) cut() {
	a.text = a.text[:0]
	a.ids = a.ids[:0]
}
