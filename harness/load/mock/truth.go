package mock

import (
	"slices"
	"time"
)

// A Request is the truth of one request. Times are CLOCK_REALTIME in ns.
type Request struct {
	API  API `json:"api"`
	Conn int `json:"conn"` // index of its connection since the start

	// ArrivalNS is the kernel's stamp of the segment that completed the request, or
	// ReadNS where the kernel gave none. The plan counts from here.
	ArrivalNS int64 `json:"arrival_ns"`
	ReadNS    int64 `json:"read_ns"` // when the read that completed it returned

	PromptTokens int  `json:"prompt_tokens"`
	Tokens       int  `json:"tokens"` // asked for
	Streamed     bool `json:"streamed"`

	WriteNS []int64 `json:"write_ns"` // just before the write of each event with tokens

	EndNS   int64 `json:"end_ns"`  // when the last write returned; 0 while it is being served or when the client hung up
	Blocked int   `json:"blocked"` // events that found the socket full, and left later than their stamp
}

// A Truth is what a server did since its start, or since a reset.
type Truth struct {
	Requests    []Request `json:"requests"`    // in order of arrival
	Connections int       `json:"connections"` // accepted
	Refused     int       `json:"refused"`     // requests for tokens turned away: too many, or wrong

	// Late is how long after its due time each event was written, in seconds.
	LateP50Seconds float64 `json:"late_p50_s"`
	LateP99Seconds float64 `json:"late_p99_s"`
	LateMaxSeconds float64 `json:"late_max_s"`

	// ClockStepSeconds is by how much CLOCK_REALTIME moved against the monotonic
	// clock: more than some ms, and the times cannot be compared.
	ClockStepSeconds float64 `json:"clock_step_s"`
}

// fill computes the lateness from the requests.
func (t *Truth) fill(p Plan, epoch int64) {
	var late []int64
	for i := range t.Requests {
		r := &t.Requests[i]
		for k, w := range r.WriteNS {
			late = append(late, w-p.due(epoch, r.ArrivalNS, i, k))
		}
	}
	if len(late) == 0 {
		return
	}
	slices.Sort(late)
	at := func(q float64) float64 { return time.Duration(late[int(q*float64(len(late)-1))]).Seconds() }
	t.LateP50Seconds, t.LateP99Seconds, t.LateMaxSeconds = at(0.5), at(0.99), at(1)
}
