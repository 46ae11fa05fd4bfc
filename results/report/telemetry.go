package report

import (
	"cmp"
	"slices"

	"harness/results"
)

// gpuSource is the source of samples that come from devices.
const gpuSource = "gpu"

// seriesPoints bounds what the page keeps of one metric of one device in one trial.
const seriesPoints = 120

// series is one metric of one device over a trial, times in seconds from its launch.
type series struct {
	Device string    `json:"device"`
	Metric string    `json:"metric"`
	T      []reading `json:"t"`
	V      []reading `json:"v"`
}

// telemetry picks the devices' samples, thinned: of each stretch of time its lowest and
// highest value are kept, so that no spike is lost.
func telemetry(samples []results.Sample) []series {
	type key struct{ metric, device string }
	byKey := map[key][]results.Sample{}
	for _, s := range samples {
		if s.Source == gpuSource {
			k := key{s.Metric, s.Device}
			byKey[k] = append(byKey[k], s)
		}
	}
	var all []series
	for k, own := range byKey {
		slices.SortStableFunc(own, func(a, b results.Sample) int { return cmp.Compare(a.TimeNS, b.TimeNS) })
		s := series{Device: k.device, Metric: k.metric}
		for _, v := range thin(own) {
			s.T, s.V = append(s.T, reading(float64(v.TimeNS)/1e9)), append(s.V, reading(v.Value))
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b series) int {
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Device, b.Device))
	})
	return all
}

func thin(samples []results.Sample) []results.Sample {
	if len(samples) <= seriesPoints {
		return samples
	}
	byValue := func(a, b results.Sample) int { return cmp.Compare(a.Value, b.Value) }
	var kept []results.Sample
	const stretches = seriesPoints / 2
	for i := range stretches {
		part := samples[i*len(samples)/stretches : (i+1)*len(samples)/stretches]
		low, high := slices.MinFunc(part, byValue), slices.MaxFunc(part, byValue)
		if low.TimeNS > high.TimeNS {
			low, high = high, low
		}
		kept = append(kept, low)
		if high != low {
			kept = append(kept, high)
		}
	}
	return kept
}
