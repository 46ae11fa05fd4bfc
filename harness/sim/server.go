package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A server speaks SGLang's HTTP interface for a clock and its machine.
type server struct {
	s      *setup
	o      options
	clock  *clock
	mux    *http.ServeMux
	ready  atomic.Bool
	count  atomic.Int64 // requests: their ids
	active sync.WaitGroup
	name   string // served model name
	born   int64  // unix seconds
}

func newServer(s *setup, o options, c *clock) *server {
	h := &server{s: s, o: o, clock: c, mux: http.NewServeMux(), born: time.Now().Unix()}
	h.name = s.flags.str("served_model_name", h.modelPath())
	get := func(path string, f http.HandlerFunc) { h.route(path, f, "GET") }
	get("/health", h.health)
	get("/health_generate", h.health)
	get("/v1/models", h.listModels)
	get("/model_info", h.modelInfo)
	get("/get_model_info", h.modelInfo)
	get("/server_info", h.serverInfo)
	get("/get_server_info", h.serverInfo)
	get("/simulated_gpus", h.simulatedGPUs)
	h.route("/flush_cache", h.flushCache, "GET", "POST")
	h.route("/generate", h.generate, "POST", "PUT")
	h.route("/v1/completions", h.completions, "POST")
	h.route("/v1/chat/completions", h.chat, "POST")
	if s.flags.on("enable_metrics") {
		get("/metrics", h.metrics)
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]string{"detail": "Not Found"})
	})
	return h
}

// route serves a path for some methods, and answers others as FastAPI does.
func (h *server) route(path string, f http.HandlerFunc, methods ...string) {
	h.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		for _, m := range methods {
			if r.Method == m {
				f(w, r)
				return
			}
		}
		w.Header().Set("Allow", methods[0])
		writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"detail": "Method Not Allowed"})
	})
}

// ServeHTTP answers one request.
func (h *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.active.Add(1)
	defer h.active.Done()
	w.Header().Set("Server", "uvicorn (simulated)")
	h.mux.ServeHTTP(w, r)
}

func (h *server) modelPath() string { return h.s.flags.str("model_path", h.s.model.name) }

// health says whether requests are served; a server that hangs does not answer.
func (h *server) health(w http.ResponseWriter, r *http.Request) {
	if !h.ready.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	hung := false
	if !h.clock.ask(r.Context(), func(m *machine, _ time.Duration) { hung = m.hung }) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if hung { // as the real one, which waits for a generation
		limit := time.NewTimer(healthTimeout)
		defer limit.Stop()
		select {
		case <-r.Context().Done():
		case <-h.clock.stopped:
		case <-limit.C:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// healthTimeout is SGLANG_HEALTH_CHECK_TIMEOUT's default.
const healthTimeout = 20 * time.Second

func (h *server) listModels(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{map[string]any{
		"id": h.name, "object": "model", "created": h.born, "owned_by": "sglang", "root": h.name,
		"parent": nil, "max_model_len": h.s.contextLen}}})
}

func (h *server) modelInfo(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"model_path": h.modelPath(), "tokenizer_path": h.s.flags.str("tokenizer_path", h.modelPath()),
		"is_generation": true, "preferred_sampling_params": nil, "weight_version": "default", "has_image_understanding": false,
		"has_audio_understanding": false, "model_type": "llama", "architectures": []string{architecture(h.s.model)}, "simulated": true})
}

// flushCache empties the prefix caches. It may wait for the server to be idle, for ?timeout= seconds.
func (h *server) flushCache(w http.ResponseWriter, r *http.Request) {
	limit, _ := strconv.ParseFloat(r.URL.Query().Get("timeout"), 64)
	deadline, cancel := context.WithTimeout(r.Context(), seconds(max(0, min(limit, 3600)))+time.Second)
	defer cancel()
	until := time.Now().Add(seconds(max(0, min(limit, 3600))))
	for {
		flushed := false
		alive := h.clock.ask(deadline, func(m *machine, _ time.Duration) { flushed = m.flush() })
		if flushed {
			fmt.Fprint(w, "Cache flushed.\nPlease check backend logs for more details. (When there are running or waiting requests, the operation will not be performed.)\n")
			return
		}
		if !alive || time.Now().After(until) || !wait(deadline, 10*time.Millisecond) {
			break
		}
	}
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprint(w, "Flush cache failed.\nPlease check backend logs for more details. (When there are running or waiting requests, the operation will not be performed.)\n")
}

// writeJSON answers with one JSON document.
func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // only maps, structs and numbers come here
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}
