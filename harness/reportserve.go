package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"harness/harness/study"
)

// pagePoll is how often a served study's folders are looked at, which is a directory
// listing or two.
const pagePoll = time.Second

// serveReport shows the page on loopback until the command is interrupted.
func (a *app) serveReport(s *study.Study, port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("report: %w: choose another --port, or none for any free one", err)
	}
	fmt.Fprintf(a.stdout, "http://%s\n", listener.Addr())
	fmt.Fprintln(a.stderr, "Renewed while the study runs. Ctrl-C ends it.")
	server := &http.Server{
		Handler:           reportHandler(s, listener.Addr().String(), pagePoll),
		BaseContext:       func(net.Listener) context.Context { return a.ctx },
		ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
	case <-a.ctx.Done():
		err = server.Close() // streams of events have ended with the context
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// reportHandler serves the page, and events that tell when it changed. It answers only
// requests that name its own address: a page of another site, whose name was made to
// point here, gets nothing.
func reportHandler(s *study.Study, host string, poll time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		version := partsOf(s) // before the parts are read: what comes meanwhile is told as new
		page, err := pageOf(s)
		var out bytes.Buffer
		if err == nil {
			page.Live = version
			err = page.HTML(&out)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Write(out.Bytes())
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) { sendChanges(w, r, s, poll) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(host)
		if r.Host != host && r.Host != "localhost:"+port {
			http.Error(w, "this server answers only for "+host, http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// sendChanges streams an event whenever the study has other parts than those that the
// page was made from, or that were told of last.
func sendChanges(w http.ResponseWriter, r *http.Request, s *study.Study, poll time.Duration) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	if err := control.Flush(); err != nil {
		return
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for last := r.FormValue("since"); ; {
		if now := partsOf(s); now != last {
			last = now
			if _, err := fmt.Fprintf(w, "data: %s\n\n", now); err != nil || control.Flush() != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// partsOf is a text that changes when a study gets a trial or a run.
func partsOf(s *study.Study) string {
	h := fnv.New64a()
	for _, table := range []string{"trials", "runs"} {
		entries, err := os.ReadDir(filepath.Join(s.Store.Dir, table))
		if err != nil {
			fmt.Fprint(h, err)
		}
		for _, e := range entries {
			fmt.Fprintln(h, e.Name())
		}
	}
	return strconv.FormatUint(h.Sum64(), 16)
}
