package load

// Rules say how metrics are derived from records. The zero value is the canonical
// profile without objectives.
type Rules struct {
	Profile Profile
	API     API // of the records; only the profile sglang looks at it
	SLO     SLO
}

// A Summary is the metrics of one run, as values: one for each request that
// succeeded, or for each token of those, in the order of the records. Quantiles
// are for those who know how many runs there are. Times are in seconds, by the
// definitions of the profile.
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
	InFlight   float64 // requests in flight, the mean over Duration, of successful ones

	TTFTSeconds    []float64 // a request each
	VisibleSeconds []float64 // to the first token that is not reasoning; a request each that had one
	E2ESeconds     []float64 // a request each
	TPOTSeconds    []float64 // a request of n > 1 tokens each
	UserTPS        []float64 // 1/TPOT: what the user of a stream sees; likewise
	WholeTPS       []float64 // n/E2E, a request each

	// TPOTRestSeconds is (E2E-TTFT)/(n-k) where the server said that the first chunk
	// held k tokens: TPOT where a first chunk of several would flatter it. Only of
	// requests of n > k.
	TPOTRestSeconds []float64

	// The same from the due time: what a user feels when the server falls behind an
	// open loop.
	TTFTSchedSeconds []float64
	E2ESchedSeconds  []float64

	// ITLSeconds needs the number of tokens in each chunk: from the server, or as one
	// each where there are as many chunks as tokens. ITLMissing counts the requests
	// where neither holds.
	ITLSeconds      []float64
	ITLMissing      int
	ChunkGapSeconds []float64 // between successive chunks with tokens, whatever they hold

	// Good counts the successful requests within all limits of the SLO, and
	// GoodTokens their output; the rates are over Duration. All requests are good
	// where there are no limits.
	Good       int
	GoodTokens int64
	GoodRPS    float64
	GoodTPS    float64

	Steady Window
}

// Summarize derives the canonical metrics from the records alone.
func Summarize(r *Result) Summary { return Rules{}.Summarize(r.Records) }

// Summarize derives the metrics from the records alone: the same records give the
// same numbers, to the bit.
func (rules Rules) Summarize(records []Record) Summary {
	s := Summary{ByClass: map[string]int{}}
	p := rules.Profile
	first, last := int64(-1), int64(-1)
	for i := range records {
		rec := &records[i]
		if !rec.Sent() {
			s.Unsent++
			continue
		}
		s.Requests++
		if rec.SendNS >= 0 && (first < 0 || rec.SendNS < first) {
			first = rec.SendNS
		}
		last = max(last, rec.DoneNS)
		if !p.ok(rec) {
			s.Failed++
			s.ByClass[rec.Class]++
			continue
		}
		s.add(rec, rules)
	}
	if first >= 0 && (p == SGLang || p == VLLM) {
		first = 0
	}
	if first >= 0 && last > first {
		s.rates(seconds(last - first))
	}
	s.Steady = steady(records)
	return s
}

// rates fills in what is a quotient of the duration.
func (s *Summary) rates(duration float64) {
	s.DurationSeconds = duration
	s.OutputTPS = float64(s.OutputTokens) / duration
	s.TotalTPS = float64(s.OutputTokens+s.PromptTokens) / duration
	s.RequestRPS = float64(s.Requests-s.Failed) / duration
	s.GoodRPS = float64(s.Good) / duration
	s.GoodTPS = float64(s.GoodTokens) / duration
	for _, e := range s.E2ESeconds {
		s.InFlight += e / duration
	}
}

// add takes a request that counts as a success.
func (s *Summary) add(rec *Record, rules Rules) {
	startNS, firstNS, endNS, n := rules.Profile.span(rec)
	s.OutputTokens += int64(n)
	s.PromptTokens += int64(max(rec.PromptTokens, 0))
	if rec.CachedTokens >= 0 {
		s.CachedSaid++
		s.CachedTokens += int64(rec.CachedTokens)
	}
	ttft, e2e, tpot := seconds(firstNS-startNS), seconds(endNS-startNS), 0.0
	s.TTFTSeconds = append(s.TTFTSeconds, ttft)
	s.E2ESeconds = append(s.E2ESeconds, e2e)
	s.TTFTSchedSeconds = append(s.TTFTSchedSeconds, seconds(firstNS-rec.SchedNS))
	s.E2ESchedSeconds = append(s.E2ESchedSeconds, seconds(endNS-rec.SchedNS))
	if rec.FirstVisibleNS >= 0 {
		s.VisibleSeconds = append(s.VisibleSeconds, seconds(rec.FirstVisibleNS-startNS))
	}
	if e2e > 0 {
		s.WholeTPS = append(s.WholeTPS, float64(n)/e2e)
	}
	if n > 1 {
		tpot = seconds(endNS-firstNS) / float64(n-1)
		s.TPOTSeconds = append(s.TPOTSeconds, tpot)
		if tpot > 0 {
			s.UserTPS = append(s.UserTPS, 1/tpot)
		}
	}
	if rules.SLO.met(ttft, tpot, e2e) {
		s.Good++
		s.GoodTokens += int64(n)
	}
	gaps, ok := rules.Profile.gaps(rec, rules.API)
	if !ok {
		s.ITLMissing++
	}
	s.ITLSeconds = append(s.ITLSeconds, gaps...)
	ns, said := rec.TokenChunks()
	if len(said) > 0 && said[0] > 0 && n > int(said[0]) {
		s.TPOTRestSeconds = append(s.TPOTRestSeconds, seconds(endNS-firstNS)/float64(n-int(said[0])))
	}
	for k := 1; k < len(ns); k++ {
		s.ChunkGapSeconds = append(s.ChunkGapSeconds, seconds(ns[k]-ns[k-1]))
	}
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }
