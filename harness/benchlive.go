package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"time"

	"harness/harness/bench"
	"harness/harness/engine"
	"harness/harness/load"
	"harness/results/report"
)

// benchLive measures a running server.
func (a *app) benchLive(o benchOptions) error {
	live, meta, err := a.prepareBench(&o)
	if err != nil {
		return err
	}
	var kept *benchFolder
	if o.out != "" {
		if kept, err = openBenchFolder(o.out, meta); err != nil {
			return err
		}
		defer kept.close()
	}
	if !o.json {
		meta.printHead(a.stderr)
	}
	a.noteConnections(live)
	p := &benchProgress{total: o.repeats}
	if a.terminal && !o.json && !o.plain {
		p.panel = newPanel(a.stderr, p.draw)
	}
	runs, err := a.benchRuns(live, o, kept, p)
	p.panel.close()
	if err != nil && len(runs) == 0 {
		return err
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "harness: %v\n", err)
	}
	if kept != nil {
		runs = append(kept.before, runs...)
	}
	t := newTally(meta, o.rules, runs)
	if err := a.printTally(t, o.json, o.out); err != nil {
		return err
	}
	switch {
	case a.ctx.Err() != nil:
		return &exitError{status: exitInterrupted}
	case err != nil:
		return &exitError{status: exitFailed}
	}
	return t.exit()
}

// noteConnections says before an open loop that it may need more connections than there
// can be: how many it needs depends on the server.
func (a *app) noteConnections(live *bench.Live) {
	offered := max(live.Requests, int(live.Point.Rate*live.Duration.Seconds()))
	if most := load.MostConnections(); live.Point.Concurrency == 0 && offered > most {
		fmt.Fprintf(a.stderr, "harness: the limit of open files leaves %d connections, and up to %d of these requests could be in flight at once: those beyond would fail; raise it (ulimit -n)\n", most, offered)
	}
}

// prepareBench finds out what the server is, and makes the workload fit for it.
func (a *app) prepareBench(o *benchOptions) (*bench.Live, benchMeta, error) {
	header := o.header.Clone()
	if o.key != "" {
		header.Set("Authorization", "Bearer "+string(o.key))
	}
	target := load.Target{URL: o.url, API: o.api, Model: o.model, Header: o.header, APIKey: o.key, ContinuousUsage: o.continuous}
	if target.API == "" {
		target.API = load.Completions // only to check the rest
	}
	if err := target.Validate(); err != nil {
		return nil, benchMeta{}, &exitError{exitUsage, err}
	}
	found, err := a.identify(o, header)
	if err != nil {
		return nil, benchMeta{}, err
	}
	target.API, target.Model = o.api, o.model
	target.ExtraBody = extraBody(found, o)
	source, calibrated, err := a.fitWorkload(o, found, target)
	if err != nil {
		return nil, benchMeta{}, err
	}
	live := &bench.Live{Target: target, Peer: found.Peer, Source: source, Point: o.point, OpenLoop: o.openLoop, Ramp: o.ramp, Fresh: o.fresh,
		Requests: o.requests, Duration: o.duration, Warmup: max(0, o.warmup), SLO: o.rules.SLO, Timeouts: o.timeouts, Lenient: o.lenient, Simulated: found.Simulated}
	if o.warmup == 0 {
		live.Warmup = o.point.ConcurrencyGuess()
	}
	if o.requests == 0 && o.duration == 0 {
		live.Requests = o.point.BenchRequests(source)
	}
	if most := source.Len(); most > 0 && live.Requests > most {
		return nil, benchMeta{}, usagef("--requests %d: the file has %d that can be used", live.Requests, most)
	}
	host, _ := os.Hostname()
	return live, benchMeta{Schema: benchSchema, Created: time.Now().UTC().Truncate(time.Second), Host: host,
		URL: o.url, Engine: found.Engine, Version: found.Version, How: found.How, Simulated: found.Simulated, API: o.api, Model: o.model,
		Workload: source.Workload(), WorkloadHash: source.Workload().Hash(), Calibrated: calibrated, Point: o.point, OpenLoop: o.openLoop, RampSeconds: o.ramp.Seconds(),
		Requests: live.Requests, DurationSeconds: o.duration.Seconds(), Warmup: live.Warmup, Fresh: o.fresh, Timeouts: o.timeouts.String(), Continuous: o.continuous, ExtraBody: bodyHash(o.extra), Profile: o.rules.Profile, SLO: o.rules.SLO, Seed: o.workload.Seed}, nil
}

// identify asks the server what it is, and fills in API and model. Where both are
// given a server that does not say is taken as it is.
func (a *app) identify(o *benchOptions, header http.Header) (engine.Found, error) {
	found, err := engine.Identify(a.ctx, o.url, header)
	switch {
	case a.ctx.Err() != nil:
		return found, a.ctx.Err()
	case err != nil && (o.api == "" || errors.Is(err, engine.ErrNoServer)):
		return found, advise(err)
	case err != nil:
		found.Engine, found.How = "unknown", "--api"
	}
	if o.api == "" {
		o.api = map[string]load.API{"sglang": load.Generate, "llamacpp": load.Completion, "vllm": load.Completions}[found.Engine]
		if o.api == "" {
			o.api = load.Chat
		}
	}
	if o.model == "" && (o.api == load.Completions || o.api == load.Chat) {
		o.model = found.Model
	}
	return found, nil
}

// advise adds to why a server could not be identified what to try.
func advise(err error) error {
	var unknown x509.UnknownAuthorityError
	switch text := err.Error(); {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: the environment's SSL_CERT_FILE may name a file with its authority", err)
	case strings.Contains(text, "HTTP 401"), strings.Contains(text, "HTTP 403"):
		return fmt.Errorf("%w\nit refuses who asks: give its API key by OPENAI_API_KEY or --api-key-env", err)
	}
	return err
}

// extraBody is what the engine's requests carry beside the format's own fields: the
// prompt cache of llama.cpp is kept out unless prompts are meant to find each other
// there, and an unknown server is not asked for what only inference engines know.
func extraBody(found engine.Found, o *benchOptions) map[string]any {
	body := maps.Clone(found.Spec.ExtraBody)
	if body == nil {
		body = map[string]any{}
	}
	if o.workload.Shares() {
		delete(body, "cache_prompt")
	}
	if found.Engine == "openai" {
		body["ignore_eos"] = nil
	}
	maps.Copy(body, o.extra)
	return body
}

// fitWorkload opens the workload with token ids or text, as the API takes them, and
// calibrates texts: the length of random words, and what every prompt has beside them.
func (a *app) fitWorkload(o *benchOptions, found engine.Found, target load.Target) (*load.Source, string, error) {
	w := o.workload
	w.Text = w.Text || o.api == load.Chat || found.Engine == "openai"
	if w.VocabLow == 0 && w.VocabHigh == 0 && found.Spec.Vocab[1] > 0 {
		w.VocabLow, w.VocabHigh = found.Spec.Vocab[0], found.Spec.Vocab[1]
		if v := found.VocabSize; v > 0 && v < w.VocabHigh {
			w.VocabLow, w.VocabHigh = min(w.VocabLow, v/4), v
		}
	}
	how := ""
	if (w.Text || w.Turns != nil || w.ShareGPT != nil) && w.Cost == nil {
		ctx, cancel := context.WithTimeout(a.ctx, 2*time.Minute)
		defer cancel()
		var err error
		if w.Cost, how, err = load.Calibrate(ctx, target); a.ctx.Err() != nil {
			return nil, "", a.ctx.Err()
		} else if err != nil {
			return nil, "", fmt.Errorf("calibrate the lengths of text prompts: %w", err)
		}
	}
	source, err := openWorkload(w)
	return source, how, err
}

// runLine is a run in a line.
func runLine(m bench.Measured) string {
	s := load.Summarize(&load.Result{Records: m.Records})
	text := m.Row.LoadPoint + ": "
	if s.Failed < s.Requests {
		text += fmt.Sprintf("TTFT %s, %s tok/s, ", report.Duration(m.Row.TTFTP50S), report.Number(m.Row.OutputTPS))
	}
	text += report.Plural(s.Requests, "request")
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d FAILED", s.Failed)
	}
	if !m.Row.Valid {
		text += ", INVALID"
	}
	return text
}

// ended tells how many requests of a run have ended, of how many where that is known.
func ended(live *bench.Live) string {
	if live.Requests > 0 {
		return fmt.Sprintf("%d of %d requests", live.Ended.Load(), live.Requests)
	}
	return report.Plural(int(live.Ended.Load()), "request")
}

// benchRuns warms up and measures. It returns what was measured before an error or an
// interruption.
func (a *app) benchRuns(live *bench.Live, o benchOptions, kept *benchFolder, p *benchProgress) (runs []bench.Measured, err error) {
	first := 1
	if kept != nil {
		first += len(kept.before)
	}
	p.phase("warm-up", 0, nil)
	if err := live.Warm(a.ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", o.url, err)
	}
	for i := range o.repeats {
		if a.ctx.Err() != nil {
			break
		}
		p.phase(fmt.Sprintf("run %d of %d", i+1, o.repeats), i, func() string { return ", " + ended(live) })
		began := time.Now()
		m, err := live.Run(a.ctx, first+i)
		if err != nil {
			return runs, fmt.Errorf("run %d against %s: %w", i+1, o.url, err)
		}
		if kept != nil {
			if err := kept.write(m); err != nil {
				return runs, err
			}
		}
		runs = append(runs, m)
		p.panel.line(a.stderr, fmt.Sprintf("[%d/%d] %s  (%s)", i+1, o.repeats, runLine(m), round(time.Since(began))))
	}
	return runs, nil
}
