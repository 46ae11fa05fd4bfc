// Package load offers requests to an inference server and records when each
// part of each answer arrived.
//
// The flow is Workload -> []Prompt -> Run -> Result -> Summary:
//
//  1. Workload.Prompts makes the prompts of one run from a seed.
//  2. Run serialises them for the target's API, dials its connections, computes
//     the arrival schedule, and only then starts the clock. What is left to do
//     while the clock runs is to write, to read and to note the time.
//  3. An agenda says which request is due when; a transport carries it. On Linux,
//     without TLS, one thread drains all streams by epoll, and the kernel stamps what
//     comes in, so that the thread need not wake for each chunk. Elsewhere each stream
//     has a goroutine, and a read is stamped right after it returns. Either way the
//     bytes pass through three readers that hold no clock and no socket and may be fed
//     at any split: response (HTTP/1.1), events (SSE) and reply (what an event says of
//     tokens), and one judge.
//  4. Summarize derives the metrics from the records; nothing is measured twice.
//     Result.Faults says whether the load generator itself was in the way: it has a
//     canary, which measures the error of its own stamps in every run.
//
// A closed loop keeps a number of requests in flight: the next is sent when one
// ends. An open loop sends at due times fixed before the run: a server that
// falls behind shows its queue in the latencies from schedule, instead of hiding
// it by slowing the client down.
//
// Tokens are counted by what the server says, never by chunks: a chunk may hold
// several tokens, and a token may be held back without any chunk. A request that
// failed in any way is a record with a class, and never counts as a success.
package load
