package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"harness/space"
)

// A Peer is a server that answers at a URL, whoever started it, and what is known of
// its endpoints.
type Peer struct {
	URL    string       // http://127.0.0.1:PORT, without a final slash
	Spec   space.Server // its endpoints; the zero value has none
	Header http.Header  // sent with each request, such as an API key
}

func (s Peer) call(ctx context.Context, e space.Endpoint, timeout time.Duration) ([]byte, error) {
	return call(ctx, s.URL, s.Header, e, timeout)
}

// Flush empties the prefix cache. ok is false where the engine cannot.
func (s Peer) Flush(ctx context.Context) (ok bool, err error) {
	if s.Spec.Flush == nil {
		return false, nil
	}
	if _, err := s.call(ctx, *s.Spec.Flush, 10*time.Second); err != nil {
		return false, err
	}
	return true, nil
}

// Info returns what the server says of its effective configuration: one JSON
// document {path: answer}; "" where it says nothing.
func (s Peer) Info(ctx context.Context) string {
	all := map[string]json.RawMessage{}
	for _, e := range s.Spec.Info {
		body, err := s.call(ctx, e, 10*time.Second)
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
func (s Peer) ModelName(ctx context.Context) string {
	body, err := s.call(ctx, space.Endpoint{Path: "/v1/models"}, 10*time.Second)
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
func (s Peer) Metrics(ctx context.Context) ([]Metric, error) {
	if s.Spec.Metrics == nil {
		return nil, nil
	}
	body, err := s.call(ctx, *s.Spec.Metrics, 10*time.Second)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Spec.Metrics.Path, err)
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
