package mock

import "strconv"

// word is the text of every token: one token for any tokenizer that knows it.
const word = " word"

// An answer is what the events of one stream are made from.
type answer struct {
	ask
	nth         int  // index of the request
	incremental bool // /generate: each event has its own text, not all so far
}

// appendEvent appends event i, which brings the count of tokens from before to upTo,
// with the time now in it.
func (a *answer) appendEvent(b []byte, i, before, upTo int, now int64) []byte {
	last := upTo == a.n
	switch a.api {
	case Completions:
		b = a.openAI(b, "cmpl-", "text_completion")
		b = append(b, `"text":"`...)
		b = appendWords(b, upTo-before)
		b = append(b, `","logprobs":null,"finish_reason":`...)
		b = append(b, finish(last)...)
		b = append(b, `}]`...)
	case Chat:
		b = a.openAI(b, "chatcmpl-", "chat.completion.chunk")
		b = append(b, `"delta":{"content":"`...)
		b = appendWords(b, upTo-before)
		b = append(b, `"},"logprobs":null,"finish_reason":`...)
		b = append(b, finish(last)...)
		b = append(b, `}]`...)
	case Generate:
		if a.incremental {
			before = max(before, 0)
		} else {
			before = 0
		}
		b = append(b, `data: {"text":"`...)
		b = appendWords(b, upTo-before)
		b = append(b, `","meta_info":{"id":"`...)
		b = strconv.AppendInt(b, int64(a.nth), 10)
		b = append(b, `","finish_reason":`...)
		if last {
			b = append(b, `{"type":"length","length":`...)
			b = strconv.AppendInt(b, int64(a.n), 10)
			b = append(b, '}')
		} else {
			b = append(b, "null"...)
		}
		b = appendCount(b, `,"prompt_tokens":`, a.prompt)
		b = appendCount(b, `,"completion_tokens":`, upTo)
		b = append(b, `,"cached_tokens":0}`...)
	case Completion:
		b = append(b, `data: {"index":0,"content":"`...)
		b = appendWords(b, upTo-before)
		b = append(b, `","tokens":[7],"stop":false,"id_slot":0`...)
		b = appendCount(b, `,"tokens_predicted":`, upTo)
		b = appendCount(b, `,"tokens_evaluated":`, a.prompt)
	}
	if a.continuousUsage {
		b = a.appendUsage(b, upTo)
	}
	return a.appendStamp(b, i, now)
}

// appendRole appends the chat API's first event, which has no content.
func (a *answer) appendRole(b []byte, now int64) []byte {
	b = a.openAI(b, "chatcmpl-", "chat.completion.chunk")
	b = append(b, `"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`...)
	return a.appendStamp(b, -1, now)
}

// appendTail appends the events that follow the last token.
func (a *answer) appendTail(b []byte, now int64) []byte {
	if a.api == Completion {
		b = append(b, `data: {"index":0,"content":"","tokens":[],"stop":true,"stop_type":"limit"`...)
		b = a.appendLlamaCounts(b)
		return a.appendStamp(b, -1, now)
	}
	if a.usage && (a.api == Completions || a.api == Chat) {
		prefix, object := "cmpl-", "text_completion"
		if a.api == Chat {
			prefix, object = "chatcmpl-", "chat.completion.chunk"
		}
		b = a.openAIHead(b, prefix, object)
		b = append(b, `"choices":[]`...)
		b = a.appendUsage(b, a.n)
		b = a.appendStamp(b, -1, now)
	}
	return append(b, "data: [DONE]\n\n"...)
}

// appendWhole appends the answer to a request that asked for no stream.
func (a *answer) appendWhole(b []byte) []byte {
	switch a.api {
	case Generate:
		b = append(b, `{"text":"`...)
		b = appendWords(b, a.n)
		b = append(b, `","meta_info":{"finish_reason":{"type":"length"}`...)
		b = appendCount(b, `,"prompt_tokens":`, a.prompt)
		b = appendCount(b, `,"completion_tokens":`, a.n)
		return append(b, `,"cached_tokens":0}}`...)
	case Completion:
		b = append(b, `{"index":0,"content":"`...)
		b = appendWords(b, a.n)
		b = append(b, `","stop":true,"stop_type":"limit"`...)
		return append(a.appendLlamaCounts(b), '}')
	case Chat:
		b = append(b, `{"id":"chatcmpl-0","object":"chat.completion","created":0,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"`...)
		b = appendWords(b, a.n)
		b = append(b, `"},"finish_reason":"length"}]`...)
	default:
		b = append(b, `{"id":"cmpl-0","object":"text_completion","created":0,"model":"mock","choices":[{"index":0,"text":"`...)
		b = appendWords(b, a.n)
		b = append(b, `","finish_reason":"length"}]`...)
	}
	return append(a.appendUsage(b, a.n), '}')
}

func (a *answer) openAI(b []byte, prefix, object string) []byte {
	return append(a.openAIHead(b, prefix, object), `"choices":[{"index":0,`...)
}

func (a *answer) openAIHead(b []byte, prefix, object string) []byte {
	b = append(b, `data: {"id":"`...)
	b = append(b, prefix...)
	b = strconv.AppendInt(b, int64(a.nth), 10)
	b = append(b, `","object":"`...)
	b = append(b, object...)
	return append(b, `","created":1700000000,"model":"mock",`...)
}

func (a *answer) appendUsage(b []byte, n int) []byte {
	b = appendCount(b, `,"usage":{"prompt_tokens":`, a.prompt)
	b = appendCount(b, `,"total_tokens":`, a.prompt+n)
	b = appendCount(b, `,"completion_tokens":`, n)
	return append(b, `,"prompt_tokens_details":{"cached_tokens":0}}`...)
}

func (a *answer) appendLlamaCounts(b []byte) []byte {
	b = appendCount(b, `,"tokens_predicted":`, a.n)
	b = appendCount(b, `,"tokens_evaluated":`, a.prompt)
	b = appendCount(b, `,"tokens_cached":0,"timings":{"cache_n":0,"prompt_n":`, a.prompt)
	b = appendCount(b, `,"predicted_n":`, a.n)
	return append(b, '}')
}

// appendStamp ends an event with the field that only this package knows.
func (a *answer) appendStamp(b []byte, i int, now int64) []byte {
	b = appendCount(b, `,"mock":{"request":`, a.nth)
	b = appendCount(b, `,"i":`, i)
	b = append(b, `,"t_write_ns":`...)
	b = strconv.AppendInt(b, now, 10)
	return append(b, "}}\n\n"...)
}

func appendCount(b []byte, key string, n int) []byte {
	return strconv.AppendInt(append(b, key...), int64(n), 10)
}

func appendWords(b []byte, n int) []byte {
	for range n {
		b = append(b, word...)
	}
	return b
}

func finish(last bool) string {
	if last {
		return `"length"`
	}
	return "null"
}

// chunkHead is the size line of an HTTP chunk, filled in once the size is known.
const chunkHead = "00000000\r\n"

// sealChunk makes b[at:], which begins with a chunkHead, one HTTP chunk.
func sealChunk(b []byte, at int) []byte {
	const hex = "0123456789abcdef"
	size := len(b) - at - len(chunkHead)
	for k := 7; k >= 0; k-- {
		b[at+k] = hex[size&15]
		size >>= 4
	}
	return append(b, "\r\n"...)
}
