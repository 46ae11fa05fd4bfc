package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"harness/space"
)

// Server is a running engine. Its owner calls Stop.
type Server struct {
	*Process
	URL     string   // http://127.0.0.1:PORT
	Command []string // what runs, secrets masked
	LogPath string
	launch  Launch
}

// Start launches a server with these flags on a free loopback port. An error means
// that no process was started.
func Start(l Launch, flags, gpus []string, logPath string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	argv := l.Argv(flags, gpus, port)
	env := map[string]string{}
	for k, v := range l.Server.Env {
		env[k] = v
	}
	if len(gpus) > 0 {
		env["CUDA_VISIBLE_DEVICES"] = strings.Join(gpus, ",")
	}
	p, err := start(argv, environ(os.Environ(), l.Server.UnsetEnv, env), logPath)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	if len(l.Guard) > 0 {
		command := expand(l.Guard, "", nil, strings.NewReplacer("{self}", self()))
		if p.guard, err = startGuard(command, p.cmd.Process.Pid); err != nil {
			p.Stop(context.Background(), 0)
			return nil, err
		}
	}
	return &Server{Process: p, URL: fmt.Sprintf("http://%s:%d", host, port), Command: Mask(argv), LogPath: logPath, launch: l}, nil
}

// Errors of WaitReady.
var (
	ErrExited  = errors.New("the server ended before it was ready")
	ErrNotUp   = errors.New("the server was not ready in time")
	readyEvery = 50 * time.Millisecond
)

// WaitReady returns when the readiness endpoint answers as it should. It notices at
// once when the process ends (ErrExited), and gives up after the engine's
// start timeout (ErrNotUp).
func (s *Server) WaitReady(ctx context.Context) error {
	limit := time.NewTimer(seconds(s.launch.Server.StartTimeoutS))
	defer limit.Stop()
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		_, err := call(ctx, s.URL, s.launch.Server.Ready, 2*time.Second)
		if err == nil && !s.ended() { // else somebody else has the port, and answered
			return nil
		}
		select {
		case <-s.Done():
			return ErrExited
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%w (%g s)", ErrNotUp, s.launch.Server.StartTimeoutS)
		case <-tick.C:
		}
	}
}

func (s *Server) ended() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// StopGrace is the time between SIGTERM and SIGKILL.
func (s *Server) StopGrace() time.Duration { return seconds(s.launch.Server.StopGraceS) }

// Flush empties the prefix cache. ok is false where the engine cannot.
func (s *Server) Flush(ctx context.Context) (ok bool, err error) {
	if s.launch.Server.Flush == nil {
		return false, nil
	}
	if _, err := call(ctx, s.URL, *s.launch.Server.Flush, 10*time.Second); err != nil {
		return false, err
	}
	return true, nil
}

// Info returns what the server says of its effective configuration: one JSON
// document {path: answer}; "" where it says nothing.
func (s *Server) Info(ctx context.Context) string {
	all := map[string]json.RawMessage{}
	for _, e := range s.launch.Server.Info {
		body, err := call(ctx, s.URL, e, 10*time.Second)
		if err == nil && json.Valid(body) {
			all[e.Path] = body
		}
	}
	if len(all) == 0 {
		return ""
	}
	doc, err := json.Marshal(all)
	if err != nil {
		return ""
	}
	return string(doc)
}

// ModelName asks /v1/models for the name that OpenAI requests must carry; "" where
// the server does not say.
func (s *Server) ModelName(ctx context.Context) string {
	body, err := call(ctx, s.URL, space.Endpoint{Path: "/v1/models"}, 10*time.Second)
	var list struct{ Data []struct{ ID string } }
	if err != nil || json.Unmarshal(body, &list) != nil || len(list.Data) == 0 {
		return ""
	}
	return list.Data[0].ID
}

// Metric is one counter or gauge that the server exports.
type Metric struct {
	Name   string
	Labels string // {k="v",...}, "" for none
	Value  float64
}

// Metrics scrapes the server's Prometheus endpoint: counters and gauges, and sum
// and count of histograms and summaries, ordered by name. Nothing where the engine
// has no endpoint.
func (s *Server) Metrics(ctx context.Context) ([]Metric, error) {
	if s.launch.Server.Metrics == nil {
		return nil, nil
	}
	body, err := call(ctx, s.URL, *s.launch.Server.Metrics, 10*time.Second)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.launch.Server.Metrics.Path, err)
	}
	var out []Metric
	for _, name := range slices.Sorted(maps.Keys(families)) {
		for _, m := range families[name].Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			text := ""
			if len(labels) > 0 {
				text = "{" + strings.Join(labels, ",") + "}"
			}
			add := func(suffix string, v float64) { out = append(out, Metric{name + suffix, text, v}) }
			switch {
			case m.Counter != nil:
				add("", m.Counter.GetValue())
			case m.Gauge != nil:
				add("", m.Gauge.GetValue())
			case m.Untyped != nil:
				add("", m.Untyped.GetValue())
			case m.Histogram != nil:
				add("_sum", m.Histogram.GetSampleSum())
				add("_count", float64(m.Histogram.GetSampleCount()))
			case m.Summary != nil:
				add("_sum", m.Summary.GetSampleSum())
				add("_count", float64(m.Summary.GetSampleCount()))
			}
		}
	}
	return out, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
