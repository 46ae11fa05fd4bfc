package sim

import "strconv"

// An openaiShape is what differs between the two OpenAI interfaces.
type openaiShape struct {
	prefix        string // of ids
	object, chunk string // names of the documents
	before, after string // around the text of a chunk's choice
	role          string // what the first chunk says; "": there is none
	full          [2]string
}

var completionShape = openaiShape{prefix: "cmpl-", object: "text_completion", chunk: "text_completion",
	before: `"text":"`, after: `"`, full: [2]string{`"text":"`, `"`}}

var chatShape = openaiShape{prefix: "chatcmpl-", object: "chat.completion", chunk: "chat.completion.chunk",
	before: `"delta":{"role":null,"content":"`, after: `","reasoning_content":null,"tool_calls":null}`,
	role: `"delta":{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null}`,
	full: [2]string{`"message":{"role":"assistant","content":"`, `","reasoning_content":null,"tool_calls":null}`}}

// An openaiDoc writes the documents of one answer.
type openaiDoc struct {
	shape      openaiShape
	model      []byte // quoted
	created    int64
	continuous bool // usage on every chunk
	report     bool // tells cached tokens
	answer     answer
}

// head appends what all documents begin with, up to the choices.
func (d *openaiDoc) head(b []byte, object string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, d.shape.prefix...)
	b = append(b, d.answer.q.id...)
	b = append(b, `","object":"`...)
	b = append(b, object...)
	b = append(b, `","created":`...)
	b = strconv.AppendInt(b, d.created, 10)
	b = append(b, `,"model":`...)
	b = append(b, d.model...)
	return append(b, `,"choices":[`...)
}

// choice appends the only choice: what it says, and how it ends.
func choice(b []byte, says, finish string) []byte {
	b = append(b, `{"index":0,`...)
	b = append(b, says...)
	b = append(b, `,"logprobs":null,"finish_reason":`...)
	if finish == "" {
		return append(b, `null,"matched_stop":null}`...)
	}
	b = append(b, '"')
	b = append(b, finish...)
	return append(b, `","matched_stop":null}`...)
}

// chunk appends one event of a stream, with usage where it is asked for on every chunk.
func (d *openaiDoc) chunk(b []byte, says string, e emission) []byte {
	b = append(b, "data: "...)
	b = d.head(b, d.shape.chunk)
	b = choice(b, says, e.finish)
	b = append(b, `],"usage":`...)
	if d.continuous {
		b = d.usage(b, e)
	} else {
		b = append(b, "null"...)
	}
	return append(b, "}\n\n"...)
}

// usageChunk appends the event that ends a stream with usage.
func (d *openaiDoc) usageChunk(b []byte, e emission) []byte {
	b = append(b, "data: "...)
	b = d.head(b, d.shape.chunk)
	b = append(b, `],"usage":`...)
	b = d.usage(b, e)
	return append(b, "}\n\n"...)
}

// whole appends the document of a request without a stream.
func (d *openaiDoc) whole(b []byte, e emission) []byte {
	b = d.head(b, d.shape.object)
	b = choice(b, d.shape.full[0]+string(d.answer.text)+d.shape.full[1], e.finish)
	b = append(b, `],"usage":`...)
	b = d.usage(b, e)
	return append(b, `,"metadata":{"weight_version":"default","simulated":true}}`...)
}

// usage appends the counts. Cached tokens are told where the server reports them.
func (d *openaiDoc) usage(b []byte, e emission) []byte {
	b = append(b, `{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(d.answer.q.prompt), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(d.answer.q.prompt+e.tokens), 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, int64(e.tokens), 10)
	if !d.report {
		return append(b, `,"prompt_tokens_details":null}`...)
	}
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, int64(e.cached), 10)
	return append(b, `}}`...)
}
