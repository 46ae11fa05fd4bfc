package load

// The classes of failure. A record's Class is "" when the request succeeded, and
// else the first of these that holds, in the order of what went wrong first.
const (
	ClassConnect    = "connect"             // no connection could be made
	ClassReset      = "reset"               // the connection broke, or ended before any answer
	ClassProtocol   = "protocol"            // the answer is not HTTP/1.1, not a stream of events, or compressed
	ClassTooMany    = "http_429"            // the server refused: too many requests
	ClassOverloaded = "http_503"            // the server refused: not available
	ClassStatus     = "http_status"         // any other status than 200, redirects included
	ClassInBand     = "in_band_error"       // status 200, and an error in the stream
	ClassTruncated  = "truncated"           // the stream ended without a finish reason or [DONE]
	ClassEmpty      = "empty"               // status 200, and not one token
	ClassNoUsage    = "no_usage"            // the server did not say how many tokens it made
	ClassWrongCount = "wrong_count"         // with ignore_eos, another number of tokens than was asked for
	ClassConnectTO  = "timeout_connect"     // Timeouts.Connect
	ClassFirstTO    = "timeout_first_token" // Timeouts.FirstToken
	ClassGapTO      = "timeout_gap"         // Timeouts.Gap
	ClassTotalTO    = "timeout_total"       // Timeouts.Total
	ClassCancelled  = "cancelled"           // the run ended first; never sent where SendNS is -1
)

// A Record is what happened to one request. Times are ns from the run's start by
// the monotonic clock; -1 did not happen. Where the kernel stamped what came in,
// the times of what came in are its; see Client.Stamps. They are multiples of 256 ns.
type Record struct {
	Index      int   // of the prompt
	SchedNS    int64 // due: the scheduled time, or in a closed loop the end of the worker's request before
	DispatchNS int64 // taken up, before any dial

	ConnReadyNS int64 // a connection was there
	SendNS      int64 // right before the request was written to it
	WrittenNS   int64 // the last byte of the request was handed to the system

	HeadersNS      int64 // the head of the answer was whole
	FirstByteNS    int64 // the first byte of the answer
	FirstChoicesNS int64 // the first event with a choice, be it empty
	FirstTokenNS   int64 // the first token: text, reasoning, a tool call, or a count above 0
	FirstVisibleNS int64 // the first token that is not reasoning
	LastTokenNS    int64 // the last token
	LastChoicesNS  int64 // the last event with a choice
	FinishNS       int64 // the finish reason
	UsageNS        int64 // the last event that counted tokens
	DoneNS         int64 // the end of the answer, or of the attempt

	RequestedTokens int // output tokens asked for
	PromptTokens    int // said by the server; -1 not said
	OutputTokens    int // said by the server; -1 not said
	CachedTokens    int // of the prompt, found in the prefix cache; said by the server, -1 not said

	// The events of the stream, in order, as slices of equal length. ChunkTokens is
	// how many output tokens an event brought, where the server counts as it goes;
	// 0 is not said. ChunkRead numbers the reads of this request: events with equal
	// numbers came in one read and share its time, so that the gap between them is
	// lost. ChunkUserNS is when the program had the bytes; nil where that is ChunkNS.
	// Of a stream with thousands of events that bring no token only the first are kept.
	ChunkNS     []int64
	ChunkUserNS []int64
	ChunkTokens []int32
	ChunkKind   []ChunkKind
	ChunkRead   []int32

	Text string // the visible answer, where Options.KeepText or a later turn wants it

	FinishReason string // "length", "stop", ... ; llama.cpp's limit and eos are given as these; "" not said
	Status       int    // of HTTP; 0 is none
	Class        string // "" is success
	Error        string // one line; "" where Class is
	ConnReused   bool   // the connection had served a request of this run before
	Reads        int    // reads that brought bytes
}

// HasTokens reports whether the k-th event brought at least one token.
func (r *Record) HasTokens(k int) bool { return r.ChunkTokens[k] > 0 || r.ChunkKind[k].text() }

// TokenChunks is the time and the number of tokens (0 is not said) of each event
// that brought tokens.
func (r *Record) TokenChunks() (ns []int64, tokens []int32) {
	ns, tokens = make([]int64, 0, len(r.ChunkNS)), make([]int32, 0, len(r.ChunkNS))
	for k := range r.ChunkNS {
		if r.HasTokens(k) {
			ns, tokens = append(ns, r.ChunkNS[k]), append(tokens, r.ChunkTokens[k])
		}
	}
	return ns, tokens
}

// OK reports whether the request succeeded.
func (r *Record) OK() bool { return r.Class == "" }

// Sent reports whether the request was tried, be it only that its connection failed.
func (r *Record) Sent() bool { return r.SendNS >= 0 || r.Class != ClassCancelled }

func (r *Record) fail(class, message string) {
	if r.Class == "" {
		r.Class, r.Error = class, message
	}
}

// begin clears what an attempt fills in.
func (r *Record) begin(dispatchNS int64) {
	*r = Record{
		Index: r.Index, SchedNS: r.SchedNS, DispatchNS: dispatchNS, RequestedTokens: r.RequestedTokens,
		ConnReadyNS: -1, SendNS: -1, WrittenNS: -1, HeadersNS: -1, FirstByteNS: -1, FirstChoicesNS: -1,
		FirstTokenNS: -1, FirstVisibleNS: -1, LastTokenNS: -1, LastChoicesNS: -1, FinishNS: -1, UsageNS: -1, DoneNS: -1,
		PromptTokens: -1, OutputTokens: -1, CachedTokens: -1,
		ChunkNS: r.ChunkNS[:0], ChunkTokens: r.ChunkTokens[:0], ChunkKind: r.ChunkKind[:0], ChunkRead: r.ChunkRead[:0], ChunkUserNS: r.ChunkUserNS[:0],
	}
}

// grow makes room for so many events.
func (r *Record) grow(events int, user bool) {
	if cap(r.ChunkNS) >= events {
		return
	}
	r.ChunkNS, r.ChunkTokens = make([]int64, 0, events), make([]int32, 0, events)
	r.ChunkKind, r.ChunkRead = make([]ChunkKind, 0, events), make([]int32, 0, events)
	if user {
		r.ChunkUserNS = make([]int64, 0, events)
	}
}
