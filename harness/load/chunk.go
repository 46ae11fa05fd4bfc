package load

import (
	"bytes"
	"strings"
)

// A chunk is what one event says. The field names of the four APIs do not
// collide, so that one reader knows them all.
type chunk struct {
	kind    ChunkKind
	text    []byte // the visible text as it is written, escapes and all; part of the event
	ids     int    // token ids it lists; -1 none listed
	output  int    // output tokens so far; -1 not said
	prompt  int    // -1 not said
	cached  int    // -1 not said
	finish  string // "" not finished
	failure string // an error in the stream; "" none
}

// parse reads one event's data. ok is false where it is not JSON.
func parse(data []byte) (c chunk, ok bool) {
	c = chunk{kind: KindUsage, ids: -1, output: -1, prompt: -1, cached: -1}
	if bytes.Equal(data, []byte("[DONE]")) {
		c.kind = KindDone
		return c, true
	}
	s := scan{b: data}
	if !s.open('{') {
		return c, false
	}
	var timings [3]int // cache_n, prompt_n, predicted_n
	hasTimings, stopped := false, false
	message := ""
	for k, more := s.key(); more; k, more = s.key() {
		switch string(k) {
		case "choices":
			c.choices(&s)
		case "usage":
			c.usage(&s)
		case "text", "content": // of SGLang and of llama.cpp
			c.raise(KindEmpty)
			c.visible(&s)
		case "meta_info":
			c.raise(KindEmpty)
			c.metaInfo(&s)
		case "tokens_predicted":
			c.output = s.count()
		case "tokens_evaluated":
			c.prompt = s.count()
		case "timings":
			timings, hasTimings = readTimings(&s)
		case "stop":
			stopped = s.peek() == 't'
			s.skip()
		case "stop_type":
			c.finish = finishName(stringOf(&s))
		case "error":
			c.failure = failureOf(&s)
		case "object":
			if stringOf(&s) == "error" {
				c.failure = "error"
			}
		case "message":
			message = stringOf(&s)
		default:
			s.skip()
		}
	}
	if stopped && c.finish == "" {
		c.finish = "stop"
	}
	if hasTimings {
		c.fill(timings)
	}
	if c.failure == "error" && message != "" {
		c.failure = message
	}
	switch {
	case c.failure != "":
		c.kind = KindError
	case c.finish != "":
		c.raise(KindFinish)
	}
	return c, !s.bad && s.peek() == 0
}

// ranks are the kinds that one event may be at once, the telling ones last.
var ranks = [...]int8{KindUsage: 0, KindEmpty: 1, KindRole: 2, KindFinish: 3, KindReasoning: 4, KindTool: 5, KindContent: 6}

func (c *chunk) raise(k ChunkKind) {
	if ranks[k] > ranks[c.kind] {
		c.kind = k
	}
}

// visible consumes a value that is visible text, if it is any.
func (c *chunk) visible(s *scan) {
	if t := s.text(); len(t) > 0 {
		c.text = t
		c.raise(KindContent)
	}
}

// choices reads the first choice of the OpenAI formats; one is all that is asked for.
func (c *chunk) choices(s *scan) {
	if !s.open('[') {
		s.skip()
		return
	}
	for first := true; s.more(']'); first = false {
		if !first || !s.open('{') {
			s.skip()
			continue
		}
		c.raise(KindEmpty)
		for k, more := s.key(); more; k, more = s.key() {
			switch string(k) {
			case "text":
				c.visible(s)
			case "delta":
				c.delta(s)
			case "token_ids": // vLLM's, with return_token_ids
				c.ids = s.length()
			case "finish_reason":
				c.finish = stringOf(s)
			default:
				s.skip()
			}
		}
	}
}

func (c *chunk) delta(s *scan) {
	if !s.open('{') {
		s.skip()
		return
	}
	for k, more := s.key(); more; k, more = s.key() {
		switch string(k) {
		case "role":
			if len(s.text()) > 0 {
				c.raise(KindRole)
			}
		case "content", "refusal":
			c.visible(s)
		case "reasoning_content", "reasoning":
			if len(s.text()) > 0 {
				c.raise(KindReasoning)
			}
		case "tool_calls":
			if s.length() > 0 {
				c.raise(KindTool)
			}
		default:
			s.skip()
		}
	}
}

func (c *chunk) usage(s *scan) {
	if !s.open('{') {
		s.skip()
		return
	}
	for k, more := s.key(); more; k, more = s.key() {
		switch string(k) {
		case "completion_tokens":
			c.output = s.count()
		case "prompt_tokens":
			c.prompt = s.count()
		case "prompt_tokens_details":
			if !s.open('{') {
				s.skip()
				continue
			}
			for k, more := s.key(); more; k, more = s.key() {
				if string(k) == "cached_tokens" {
					c.cached = s.count()
				} else {
					s.skip()
				}
			}
		default:
			s.skip()
		}
	}
}

// metaInfo is SGLang's account of a request in each event of /generate.
func (c *chunk) metaInfo(s *scan) {
	if !s.open('{') {
		s.skip()
		return
	}
	for k, more := s.key(); more; k, more = s.key() {
		switch string(k) {
		case "completion_tokens":
			c.output = s.count()
		case "prompt_tokens":
			c.prompt = s.count()
		case "cached_tokens":
			c.cached = s.count()
		case "finish_reason":
			c.finishReason(s)
		default:
			s.skip()
		}
	}
}

// finishReason is null, a string, or an object with a type; an abort has a message.
func (c *chunk) finishReason(s *scan) {
	if !s.open('{') {
		c.finish = stringOf(s)
		return
	}
	message := ""
	for k, more := s.key(); more; k, more = s.key() {
		switch string(k) {
		case "type":
			c.finish = stringOf(s)
		case "message":
			message = stringOf(s)
		default:
			s.skip()
		}
	}
	if c.finish == "abort" {
		c.failure = strings.TrimSuffix("request aborted: "+message, ": ")
	}
}

// readTimings reads llama.cpp's own count, there in every API of it.
func readTimings(s *scan) (t [3]int, ok bool) {
	t = [3]int{-1, -1, -1}
	if !s.open('{') {
		s.skip()
		return t, false
	}
	for k, more := s.key(); more; k, more = s.key() {
		switch string(k) {
		case "cache_n":
			t[0] = s.count()
		case "prompt_n":
			t[1] = s.count()
		case "predicted_n":
			t[2] = s.count()
		default:
			s.skip()
		}
	}
	return t, true
}

// fill takes from llama.cpp's timings what nothing else has said.
func (c *chunk) fill(timings [3]int) {
	if c.output < 0 {
		c.output = timings[2]
	}
	if c.cached < 0 {
		c.cached = timings[0]
	}
	if c.prompt < 0 && timings[0] >= 0 && timings[1] >= 0 {
		c.prompt = timings[0] + timings[1]
	}
}

// finishName gives llama.cpp's stop_type OpenAI's names.
func finishName(stopType string) string {
	switch stopType {
	case "limit":
		return "length"
	case "eos", "word":
		return "stop"
	case "none":
		return ""
	}
	return stopType
}
