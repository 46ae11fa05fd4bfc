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
	ClassConnectTO  = "timeout_connect"     // Options.ConnectTimeout
	ClassFirstTO    = "timeout_first_token" // Options.FirstTokenTimeout
	ClassGapTO      = "timeout_gap"         // Options.GapTimeout
	ClassTotalTO    = "timeout_total"       // Options.TotalTimeout
	ClassCancelled  = "cancelled"           // the run ended first; never sent where SendNS is -1
)

// A Record is what happened to one request. Times are ns from the run's start by
// the monotonic clock; -1 did not happen.
type Record struct {
	Index   int   // of the prompt
	SchedNS int64 // due: the scheduled time, or in a closed loop the end of the worker's request before
	SendNS  int64 // right before the request was written to a connection that was ready

	FirstByteNS  int64 // the read that brought the first byte of the answer
	FirstTokenNS int64 // the read that brought the first token: text, reasoning, a tool call, or a count above 0
	LastTokenNS  int64 // the read that brought the last token
	DoneNS       int64 // the end of the answer, or of the attempt

	RequestedTokens int // output tokens asked for
	PromptTokens    int // said by the server; -1 not said
	OutputTokens    int // said by the server; -1 not said
	CachedTokens    int // of the prompt, found in the prefix cache; said by the server, -1 not said

	// A chunk is an event that brought at least one token. ChunkTokens is how many,
	// where the server counts as it goes, else 0: unknown. Chunks with equal times
	// came in one read.
	ChunkNS     []int64
	ChunkTokens []int32

	FinishReason string // "length", "stop", ... ; llama.cpp's limit and eos are given as these; "" not said
	Status       int    // of HTTP; 0 is none
	Class        string // "" is success
	Error        string // one line; "" where Class is
	ConnReused   bool   // the connection had served a request of this run before
	Reads        int    // reads that brought bytes
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
func (r *Record) begin(sendNS int64) {
	*r = Record{
		Index: r.Index, SchedNS: r.SchedNS, SendNS: sendNS, RequestedTokens: r.RequestedTokens,
		FirstByteNS: -1, FirstTokenNS: -1, LastTokenNS: -1, DoneNS: -1,
		PromptTokens: -1, OutputTokens: -1, CachedTokens: -1,
		ChunkNS: r.ChunkNS[:0], ChunkTokens: r.ChunkTokens[:0],
	}
}
