package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// metrics writes what Prometheus scrapes, under SGLang's names.
func (h *server) metrics(w http.ResponseWriter, r *http.Request) {
	var text []byte
	alive := h.clock.ask(r.Context(), func(m *machine, now time.Duration) { text = h.exposition(m, now) })
	if !alive {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(text)
}

// exposition is the metrics of a machine in Prometheus's text format.
func (h *server) exposition(m *machine, now time.Duration) []byte {
	label := fmt.Sprintf("engine_type=\"unified\",model_name=%s,simulated=\"true\"", strconv.Quote(h.name))
	var b []byte
	one := func(kind, name, help string, value float64) {
		b = fmt.Appendf(b, "# HELP sglang:%s %s\n# TYPE sglang:%s %s\nsglang:%s{%s} %v\n", name, help, name, kind, name, label, value)
	}
	running, waiting, retracts, used := 0, 0, 0, 0
	for _, rep := range m.replicas {
		running += len(rep.running) + len(rep.batch)
		waiting += len(rep.waiting)
		retracts += rep.retracts
		used += rep.s.mem.tokens - rep.room()
		if !rep.busy {
			running -= len(rep.batch)
		}
	}
	capacity := h.s.mem.tokens * len(m.replicas)
	st := &m.stats
	one("gauge", "num_running_reqs", "Requests that run.", float64(running))
	one("gauge", "num_queue_reqs", "Requests that wait.", float64(waiting))
	one("gauge", "num_used_tokens", "KV cache tokens in use.", float64(used))
	one("gauge", "token_usage", "Share of the KV cache in use.", float64(used)/float64(max(capacity, 1)))
	one("gauge", "max_total_num_tokens", "KV cache tokens of one replica.", float64(h.s.mem.tokens))
	one("gauge", "cache_hit_rate", "Cached share of all prompt tokens.", float64(st.cachedTokens)/float64(max(st.promptTokens, 1)))
	one("gauge", "gen_throughput", "Generated tokens per second since the start.", float64(st.generated)/max(now.Seconds(), 1e-9))
	one("gauge", "is_cuda_graph", "Whether decode steps can run from graphs.", boolFloat(h.s.graphMaxBS > 0))
	one("gauge", "frontend_delay_seconds", "How far the fullest tokenizer worker is behind (simulator only).", m.front.delay(now).Seconds())
	one("gauge", "startup_time_seconds", "Time until ready.", h.o.startup.Seconds())
	one("counter", "num_requests_total", "Requests.", float64(st.requests))
	one("counter", "prompt_tokens_total", "Prompt tokens.", float64(st.promptTokens))
	one("counter", "generation_tokens_total", "Generated tokens.", float64(st.generated))
	one("counter", "cached_tokens_total", "Prompt tokens found in the cache.", float64(st.cachedTokens))
	one("counter", "num_retracted_requests_total", "Requests put back into the queue.", float64(retracts))
	b = st.ttft.append(b, "time_to_first_token_seconds", "Time to first token.", label)
	b = st.itl.append(b, "inter_token_latency_seconds", "Time between tokens.", label)
	b = st.e2e.append(b, "e2e_request_latency_seconds", "Time of a request.", label)
	return st.queue.append(b, "queue_time_seconds", "Time in the queue.", label)
}

// append writes the histogram as Prometheus text, counts cumulative.
func (h *histogram) append(b []byte, name, help, label string) []byte {
	b = fmt.Appendf(b, "# HELP sglang:%s %s\n# TYPE sglang:%s histogram\n", name, help, name)
	total := 0
	for i, bound := range h.bounds {
		total += h.counts[i]
		b = fmt.Appendf(b, "sglang:%s_bucket{%s,le=\"%v\"} %d\n", name, label, bound, total)
	}
	b = fmt.Appendf(b, "sglang:%s_bucket{%s,le=\"+Inf\"} %d\n", name, label, h.n)
	return fmt.Appendf(b, "sglang:%s_sum{%s} %v\nsglang:%s_count{%s} %d\n", name, label, h.sum, name, label, h.n)
}

func boolFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
