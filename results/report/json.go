package report

import "math"

// FrontJSON is the shape of `harness front --json`. Numbers that are not known are
// null.
type FrontJSON struct {
	Study      string      `json:"study"`
	Simulated  bool        `json:"simulated"`
	Objectives []string    `json:"objectives"`
	Limits     []string    `json:"limits"`
	HV         *float64    `json:"hv"`
	HVCI       []*float64  `json:"hv_ci"` // 90 %, errors of measuring allowed for
	Reference  []*float64  `json:"reference"`
	Points     []PointJSON `json:"points"`
	Near       []PointJSON `json:"near"` // off the front, and may belong there

	From []SourceJSON `json:"from"` // studies that this one builds on
}

// PointJSON is one point of a front.
type PointJSON struct {
	TrialID     string                `json:"trial_id"`
	ConfigID    string                `json:"config_id"`
	Config      map[string]any        `json:"config"`
	LoadPoint   string                `json:"load_point"`
	Concurrency int                   `json:"concurrency"` // 0 in an open loop
	Rate        *float64              `json:"rate,omitempty"`
	TTFT        *float64              `json:"ttft_p50_s"` // as measured: the median over runs
	TPS         *float64              `json:"output_tps"`
	Values      map[string]*float64   `json:"values"`   // of objectives and limits, likewise
	CI          map[string][]*float64 `json:"ci"`       // 95 %, low and high
	Expected    map[string]*float64   `json:"expected"` // of the objectives: corrected for the luck of the best
	Runs        int                   `json:"runs"`
	Launches    int                   `json:"launches"`
	PFront      *float64              `json:"p_front"`
	PLimits     *float64              `json:"p_limits,omitempty"` // that it keeps the limits
}

// JSON gives the front's document.
func (f Front) JSON(study string) FrontJSON {
	doc := FrontJSON{Study: study, Simulated: f.Simulated, Objectives: f.Aim.Names(), Limits: append([]string{}, f.Aim.LimitTexts()...),
		HV: known(f.HV), HVCI: []*float64{known(f.HVLow), known(f.HVHigh)},
		Reference: []*float64{known(f.Reference[0]), known(f.Reference[1])}, Points: []PointJSON{}, Near: []PointJSON{}, From: f.sourcesJSON()}
	for _, r := range f.Points() {
		doc.Points = append(doc.Points, f.pointJSON(r))
	}
	for _, r := range f.Near() {
		doc.Near = append(doc.Near, f.pointJSON(r))
	}
	return doc
}

func (f Front) pointJSON(r Row) PointJSON {
	p := PointJSON{TrialID: r.TrialID, ConfigID: r.ConfigID, Config: map[string]any{}, LoadPoint: r.LoadPoint, Concurrency: r.Concurrency,
		TTFT: known(r.TTFT.Value), TPS: known(r.TPS.Value), Values: map[string]*float64{}, CI: map[string][]*float64{}, Expected: map[string]*float64{},
		Runs: r.Values[0].N, Launches: r.Launches, PFront: known(r.PFront), PLimits: known(r.PKept)}
	for _, param := range r.Params {
		p.Config[param.Name] = param.Value
	}
	if r.Rate > 0 {
		p.Rate = &r.Rate
	}
	for k, o := range f.Aim.Objectives {
		e := r.Values[k]
		p.Values[o.Name], p.Expected[o.Name] = known(e.Value), known(r.Expected[k])
		p.CI[o.Name] = []*float64{known(e.Low), known(e.High)}
	}
	for _, l := range f.Aim.Limits {
		e := r.Estimate(l.Metric)
		p.Values[l.Metric.Name] = known(e.Value)
		p.CI[l.Metric.Name] = []*float64{known(e.Low), known(e.High)}
	}
	return p
}

func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
