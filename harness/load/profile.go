package load

// A Profile is whose definitions the metrics follow. The events of a run are the
// same for all.
//
//	           canonical             sglang                        vllm
//	start      the write, on a       taken up, before any dial     taken up, before a
//	           connection ready                                    connection is got
//	TTFT       first token           first text or reasoning       first event with a choice, be it empty
//	E2E        last token            last event, [DONE] included   last event with a choice
//	tokens n   the server's count    that, else what was asked     the server's count
//	TPOT       (E2E-TTFT)/(n-1)      the same                      the same
//	ITL        a token: gap of two   OpenAI's formats: gap of two  gap of two events with a choice
//	           chunks / its tokens   texts; else as canonical
//	duration   first write to the    start to the last end         start to the last end
//	           last end
//
// Read in sglang.benchmark.serving (00f9ec472f) and vllm.benchmarks.serve
// (009e6d4a). They take an answer of another length than was asked for as a success,
// and so do their profiles; sglang also one without any count. What both count as a
// success by mistake, an answer with an error in it or without a token, stays a
// failure. SGLang's duration also holds a GET /server_info, which is not made here.
type Profile string

const (
	Canonical Profile = "canonical" // "" is the same
	SGLang    Profile = "sglang"
	VLLM      Profile = "vllm"
)

// Profiles are all there are.
var Profiles = []Profile{Canonical, SGLang, VLLM}

// ok reports whether the request counts as a success.
func (p Profile) ok(r *Record) bool {
	switch r.Class {
	case ClassWrongCount:
		return (p == SGLang || p == VLLM) && r.FirstTokenNS >= 0
	case ClassNoUsage:
		return p == SGLang && r.FirstTokenNS >= 0
	}
	return r.OK()
}

// span is when a request that counts as a success began, gave its first token and
// ended, and how many tokens it made.
func (p Profile) span(r *Record) (start, first, end int64, n int) {
	switch p {
	case SGLang:
		start, first, end, n = r.DispatchNS, r.FirstTokenNS, r.LastTokenNS, r.OutputTokens
		for k, kind := range r.ChunkKind {
			if kind == KindReasoning || kind == KindContent {
				first = r.ChunkNS[k]
				break
			}
		}
		if len(r.ChunkNS) > 0 {
			end = max(end, r.ChunkNS[len(r.ChunkNS)-1])
		}
		if n < 0 {
			n = r.RequestedTokens
		}
	case VLLM:
		start, first, end, n = r.DispatchNS, r.FirstChoicesNS, r.LastChoicesNS, r.OutputTokens
	default:
		start, first, end, n = r.SendNS, r.FirstTokenNS, r.LastTokenNS, r.OutputTokens
	}
	return start, first, end, n
}

// gaps are the inter-token latencies of a request, in seconds; ok is false where
// they need counts that the server did not give.
func (p Profile) gaps(r *Record, api API) (gaps []float64, ok bool) {
	keep := func(k int) bool { return r.ChunkKind[k].Choices() }
	switch {
	case p == SGLang && (api == Completions || api == Chat):
		keep = func(k int) bool { return r.ChunkKind[k] == KindReasoning || r.ChunkKind[k] == KindContent }
	case p != VLLM:
		return tokenGaps(r)
	}
	last := int64(-1)
	for k, ns := range r.ChunkNS {
		if !keep(k) {
			continue
		}
		if last >= 0 {
			gaps = append(gaps, seconds(ns-last))
		}
		last = ns
	}
	return gaps, true
}

// tokenGaps is the time for each token after the first chunk: the gap before a
// chunk of k tokens, divided by k, k times.
func tokenGaps(r *Record) (gaps []float64, ok bool) {
	ns, said := r.TokenChunks()
	tokens := chunkTokens(said, r.OutputTokens)
	if tokens == nil {
		return nil, false
	}
	for k := 1; k < len(ns); k++ {
		gap := seconds(ns[k] - ns[k-1])
		for range tokens[k] {
			gaps = append(gaps, gap/float64(tokens[k]))
		}
	}
	return gaps, true
}

// chunkTokens is how many tokens each chunk of an answer holds, from what the
// server said of each (0 is nothing) and of all; nil where that does not tell.
func chunkTokens(said []int32, total int) []int32 {
	sum := 0
	for _, n := range said {
		if n <= 0 {
			sum = -1
			break
		}
		sum += int(n)
	}
	if sum == total {
		return said
	}
	if len(said) != total {
		return nil
	}
	ones := make([]int32, len(said))
	for i := range ones {
		ones[i] = 1
	}
	return ones
}
