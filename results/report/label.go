package report

import (
	"strings"

	"harness/results"
)

// Label is a metric's name for people, without its unit.
func Label(m results.Metric) string {
	switch m.Name {
	case "output_tps":
		return "output tok/s"
	case "output_tps_per_gpu":
		return "output tok/s a GPU"
	case "total_tps":
		return "total tok/s"
	case "request_rps":
		return "requests/s"
	case "good_rps":
		return "good requests/s"
	case "good_share":
		return "share of good requests"
	}
	name := strings.TrimSuffix(m.Name, "_s")
	for _, latency := range []string{"ttft_", "tpot_", "itl_", "e2e_"} {
		if kind, of, ok := strings.Cut(name, "_"); ok && strings.HasPrefix(name, latency) {
			return strings.ToUpper(kind) + " " + of
		}
	}
	return strings.ReplaceAll(name, "_", " ")
}

// FormatOf is how values of a metric are written.
func FormatOf(m results.Metric) func(float64) string {
	if strings.HasSuffix(m.Name, "_s") {
		return Duration
	}
	return Number
}

// limitText is a limit for people: "TTFT p99 <= 500 ms".
func limitText(l results.Limit) string {
	sign := "<="
	if l.Metric.Higher {
		sign = ">="
	}
	return Label(l.Metric) + " " + sign + " " + FormatOf(l.Metric)(l.Value)
}

// direction is which way a metric is better.
func direction(m results.Metric) string {
	if m.Higher {
		return "up"
	}
	return "down"
}

// AimText tells the objectives with their directions, and the limits.
func AimText(a results.Aim) string {
	o := a.Objectives
	text := Label(o[0]) + " " + direction(o[0]) + ", " + Label(o[1]) + " " + direction(o[1])
	if len(a.Limits) > 0 {
		text += "; only what keeps " + limitTexts(a.Limits) + " counts"
	}
	return text
}

func limitTexts(limits []results.Limit) string {
	var texts []string
	for _, l := range limits {
		texts = append(texts, limitText(l))
	}
	return strings.Join(texts, ", ")
}
