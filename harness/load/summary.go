package load

// A Summary is the metrics of one run, as values: one for each request that
// succeeded, or for each token of those, in the order of the records. Quantiles
// are for those who know how many runs there are. Times are in seconds.
type Summary struct {
	Requests int            // that were sent, or tried
	Failed   int            // of these
	Unsent   int            // that the end of the run came before
	ByClass  map[string]int // of Failed

	// DurationSeconds is from the first send to the end of the last answer, failed
	// ones included; 0 if nothing was sent.
	DurationSeconds float64

	PromptTokens int64 // of the successful requests, as the server says
	OutputTokens int64
	CachedTokens int64 // of the prompts, found in the prefix cache
	CachedSaid   int   // successful requests for which the server said so

	OutputTPS  float64 // output tokens of successful requests a second of Duration
	TotalTPS   float64 // prompt and output tokens likewise
	RequestRPS float64 // successful requests likewise

	TTFTSeconds []float64 // send to first token, a request each
	E2ESeconds  []float64 // send to last token, a request each
	TPOTSeconds []float64 // (E2E - TTFT)/(n - 1), a request of n > 1 tokens each

	// The same from the due time: what a user feels when the server falls behind an
	// open loop.
	TTFTSchedSeconds []float64
	E2ESchedSeconds  []float64

	// ITL is the time for each token after the first chunk: the gap before a chunk
	// of k tokens, divided by k, k times. It needs the number of tokens in each
	// chunk: from the server, or as one each where there are as many chunks as
	// tokens. ITLMissing counts the requests where neither holds.
	ITLSeconds      []float64
	ITLMissing      int
	ChunkGapSeconds []float64 // between successive chunks, whatever they hold
}

// Summarize derives the metrics from the records alone.
func Summarize(r *Result) Summary {
	s := Summary{ByClass: map[string]int{}}
	first, last := int64(-1), int64(-1)
	for i := range r.Records {
		rec := &r.Records[i]
		if !rec.Sent() {
			s.Unsent++
			continue
		}
		s.Requests++
		if rec.SendNS >= 0 && (first < 0 || rec.SendNS < first) {
			first = rec.SendNS
		}
		last = max(last, rec.DoneNS)
		if !rec.OK() {
			s.Failed++
			s.ByClass[rec.Class]++
			continue
		}
		s.add(rec)
	}
	if first >= 0 && last > first {
		s.DurationSeconds = seconds(last - first)
		s.OutputTPS = float64(s.OutputTokens) / s.DurationSeconds
		s.TotalTPS = float64(s.OutputTokens+s.PromptTokens) / s.DurationSeconds
		s.RequestRPS = float64(s.Requests-s.Failed) / s.DurationSeconds
	}
	return s
}

func (s *Summary) add(rec *Record) {
	s.OutputTokens += int64(rec.OutputTokens)
	s.PromptTokens += int64(max(rec.PromptTokens, 0))
	if rec.CachedTokens >= 0 {
		s.CachedSaid++
		s.CachedTokens += int64(rec.CachedTokens)
	}
	s.TTFTSeconds = append(s.TTFTSeconds, seconds(rec.FirstTokenNS-rec.SendNS))
	s.E2ESeconds = append(s.E2ESeconds, seconds(rec.LastTokenNS-rec.SendNS))
	s.TTFTSchedSeconds = append(s.TTFTSchedSeconds, seconds(rec.FirstTokenNS-rec.SchedNS))
	s.E2ESchedSeconds = append(s.E2ESchedSeconds, seconds(rec.LastTokenNS-rec.SchedNS))
	if rec.OutputTokens > 1 {
		s.TPOTSeconds = append(s.TPOTSeconds, seconds(rec.LastTokenNS-rec.FirstTokenNS)/float64(rec.OutputTokens-1))
	}
	ns, said := rec.TokenChunks()
	tokens := chunkTokens(said, rec.OutputTokens)
	if tokens == nil {
		s.ITLMissing++
	}
	for k := 1; k < len(ns); k++ {
		gap := seconds(ns[k] - ns[k-1])
		s.ChunkGapSeconds = append(s.ChunkGapSeconds, gap)
		if tokens == nil {
			continue
		}
		for range tokens[k] {
			s.ITLSeconds = append(s.ITLSeconds, gap/float64(tokens[k]))
		}
	}
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

func seconds(ns int64) float64 { return float64(ns) / 1e9 }
