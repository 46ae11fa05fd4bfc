// Package mock is an inference server that generates nothing and keeps time: it
// streams tokens by a plan, says in each event when it wrote it, and keeps a record of
// every request. A load generator's numbers are checked against that truth, never
// against the plan: under load the plan is late, the stamps are not.
//
// The flow is Plan.due -> the server's one thread, which writes each event when it is
// due -> Truth. All times are CLOCK_REALTIME in ns, the clock of the kernel's receive
// stamps (SO_TIMESTAMPNS), so that a client on the same machine can compare its own.
//
// It speaks OpenAI's completions and chat, SGLang's /generate and llama.cpp's
// /completion, and answers what load generators ask before they start (/v1/models,
// /health, /tokenize and their kin). GET /truth is the Truth as JSON, POST /reset
// begins a new one.
//
// Every event of a stream carries a field that clients ignore:
//
//	"mock":{"request":3,"i":12,"t_write_ns":1790000000000000000}
//
// request is the index in Truth.Requests, i the event's index among those with tokens
// (-1 for one without), t_write_ns the clock just before the write.
package mock
