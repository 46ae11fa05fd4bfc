package results

import (
	"math"
	"reflect"
	"slices"
	"strings"
)

// A Metric is a column of runs that a point can be judged by.
type Metric struct {
	Name   string // of the column, with its unit: ttft_p99_s
	Higher bool   // more is better
	field  int
	of     func(Run) float64 // in place of field, for what is computed from columns
}

// computed are the metrics that are no column themselves.
var computed = []Metric{
	{Name: "good_share", Higher: true, of: goodShare},
	{Name: "output_tps_per_gpu", Higher: true, of: outputPerGPU},
}

// outputPerGPU is NaN where the server was on no GPU.
func outputPerGPU(r Run) float64 {
	if r.GPUCount == 0 {
		return math.NaN()
	}
	return r.OutputTPS / float64(r.GPUCount)
}

// goodShare is the share of the requests that kept the limits for single requests,
// failed ones counted as not; NaN where there were no such limits.
func goodShare(r Run) float64 {
	if r.GoodRPS == nil || r.Requests == 0 {
		return math.NaN()
	}
	return *r.GoodRPS * r.DurationS / float64(r.Requests)
}

// Metrics are the columns of runs that are numbers of the server's performance, and
// what is computed from them.
func Metrics() []Metric {
	run := reflect.TypeFor[Run]()
	var list []Metric
	for i := range run.NumField() {
		name, _, _ := strings.Cut(run.Field(i).Tag.Get("parquet"), ",")
		if metric, higher := judge(name); metric {
			list = append(list, Metric{Name: name, Higher: higher, field: i})
		}
	}
	return append(list, computed...)
}

// judge tells the columns that are metrics by the names that they have in DESIGN: a
// rate, a latency, energy or cost.
func judge(name string) (metric, higher bool) {
	switch {
	case strings.HasSuffix(name, "_tps") || strings.HasSuffix(name, "_rps"):
		return true, true
	case slices.Contains([]string{"energy_j", "joules_per_token", "power_mean_w", "memory_peak_bytes", "cost_per_million_tokens"}, name):
		return true, false
	}
	for _, latency := range []string{"ttft_", "tpot_", "itl_", "e2e_"} {
		if strings.HasPrefix(name, latency) {
			return true, false
		}
	}
	return false, false
}

// MetricOf finds a metric by its column, with or without the unit (ttft_p99 is
// ttft_p99_s); goodput is good_rps.
func MetricOf(name string) (Metric, bool) {
	if name == "goodput" {
		name = "good_rps"
	}
	for _, m := range Metrics() {
		if m.Name == name || strings.HasPrefix(m.Name, name+"_") && unitOf(m.Name[len(name)+1:]) {
			return m, true
		}
	}
	return Metric{}, false
}

func unitOf(text string) bool { return slices.Contains([]string{"s", "j", "w", "bytes"}, text) }

// Of is the metric's value in a run; NaN where it was not measured.
func (m Metric) Of(r Run) float64 {
	if m.of != nil {
		return m.of(r)
	}
	v := reflect.ValueOf(r).Field(m.field)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return math.NaN()
		}
		v = v.Elem()
	}
	return v.Float()
}
