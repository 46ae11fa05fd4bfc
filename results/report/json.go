package report

import "math"

// FrontJSON is the shape of `harness front --json`. Numbers that are not known are
// null.
type FrontJSON struct {
	Study      string      `json:"study"`
	Simulated  bool        `json:"simulated"`
	Objectives []string    `json:"objectives"`
	HV         *float64    `json:"hv"`
	Reference  []*float64  `json:"reference"`
	Points     []PointJSON `json:"points"`
}

// PointJSON is one point of a front.
type PointJSON struct {
	TrialID     string                `json:"trial_id"`
	ConfigID    string                `json:"config_id"`
	Config      map[string]any        `json:"config"`
	LoadPoint   string                `json:"load_point"`
	Concurrency int                   `json:"concurrency"` // 0 in an open loop
	Rate        *float64              `json:"rate,omitempty"`
	TTFT        float64               `json:"ttft_p50_s"`
	TPS         float64               `json:"output_tps"`
	CI          map[string][]*float64 `json:"ci"` // 95 %, low and high
	Runs        int                   `json:"runs"`
	PFront      *float64              `json:"p_front"`
}

// JSON gives the front's document.
func (f Front) JSON(study string) FrontJSON {
	doc := FrontJSON{Study: study, Simulated: f.Simulated, Objectives: Objectives, HV: known(f.HV),
		Reference: []*float64{known(f.Reference[0]), known(f.Reference[1])}, Points: []PointJSON{}}
	for _, r := range f.Points() {
		config := map[string]any{}
		for _, p := range r.Params {
			config[p.Name] = p.Value
		}
		var rate *float64
		if r.Rate > 0 {
			rate = &r.Rate
		}
		doc.Points = append(doc.Points, PointJSON{
			TrialID: r.TrialID, ConfigID: r.ConfigID, Config: config, LoadPoint: r.LoadPoint, Concurrency: r.Concurrency, Rate: rate,
			TTFT: r.TTFT.Value, TPS: r.TPS.Value, Runs: r.TTFT.N, PFront: known(r.PFront),
			CI: map[string][]*float64{
				Objectives[0]: {known(r.TTFT.Low), known(r.TTFT.High)},
				Objectives[1]: {known(r.TPS.Low), known(r.TPS.High)},
			},
		})
	}
	return doc
}

func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
