package export

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"
)

// An Objective is a column of runs that the study judges points by.
type Objective struct {
	Name   string `json:"name"`
	Higher bool   `json:"higher_is_better"`
}

// A Param is a column of configs, with the values that the lattice knows.
type Param struct {
	Name   string
	Values []any // nil, bool, int64, float64 or string
}

// Points are what a study measured.
type Points struct {
	Study      string
	Engine     string
	Version    string
	Model      string
	Simulated  bool
	Objectives []Objective
	Params     []Param
	Rows       []Point
}

// A Point is one config at one load, or a config that failed.
type Point struct {
	TrialID, ConfigID, Load string
	Failure                 string       // class; "": it was measured
	Config                  []any        // one for each of Params
	Values                  []float64    // one for each objective; none for a failure
	CI                      [][2]float64 // 95 %; NaN: not known
	Runs                    int
	OnFront                 bool
	PFront                  float64 // NaN: not known
	Started                 time.Time
	Seconds                 float64 // of the trial
}

// CSV writes a line for each point.
func (p Points) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{"trial_id", "config_id", "load_point", "failure_class", "simulated", "runs", "on_front", "p_front"}
	for _, o := range p.Objectives {
		head = append(head, o.Name, o.Name+"_low", o.Name+"_high")
	}
	for _, param := range p.Params {
		head = append(head, param.Name)
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for _, r := range p.Rows {
		line := []string{r.TrialID, r.ConfigID, r.Load, r.Failure, strconv.FormatBool(p.Simulated), strconv.Itoa(r.Runs), strconv.FormatBool(r.OnFront), number(r.PFront)}
		for i := range p.Objectives {
			if r.Failure != "" {
				line = append(line, "", "", "")
				continue
			}
			line = append(line, number(r.Values[i]), number(r.CI[i][0]), number(r.CI[i][1]))
		}
		for _, v := range r.Config {
			line = append(line, cell(v))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// cell is a value in a table; empty where the flag is omitted.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		text, err := json.Marshal(v)
		if err != nil {
			panic("export: a config's value is no scalar: " + err.Error())
		}
		return string(text)
	}
}

// known is nil for what JSON has no number for.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// JSON writes one document.
func (p Points) JSON(w io.Writer) error {
	type row struct {
		TrialID  string                `json:"trial_id"`
		ConfigID string                `json:"config_id"`
		Load     string                `json:"load_point,omitempty"`
		Failure  string                `json:"failure_class,omitempty"`
		Config   map[string]any        `json:"config"`
		Values   map[string]*float64   `json:"values,omitempty"`
		CI       map[string][]*float64 `json:"ci,omitempty"`
		Runs     int                   `json:"runs"`
		OnFront  bool                  `json:"on_front"`
		PFront   *float64              `json:"p_front"`
	}
	doc := struct {
		Study      string      `json:"study"`
		Engine     string      `json:"engine"`
		Version    string      `json:"engine_version"`
		Model      string      `json:"model"`
		Simulated  bool        `json:"simulated"`
		Objectives []Objective `json:"objectives"`
		Points     []row       `json:"points"`
	}{p.Study, p.Engine, p.Version, p.Model, p.Simulated, p.Objectives, []row{}}
	for _, r := range p.Rows {
		out := row{TrialID: r.TrialID, ConfigID: r.ConfigID, Load: r.Load, Failure: r.Failure, Config: map[string]any{}, Runs: r.Runs, OnFront: r.OnFront, PFront: known(r.PFront)}
		for i, v := range r.Config {
			out.Config[p.Params[i].Name] = v
		}
		if r.Failure == "" {
			out.Values, out.CI = map[string]*float64{}, map[string][]*float64{}
			for i, o := range p.Objectives {
				out.Values[o.Name] = known(r.Values[i])
				out.CI[o.Name] = []*float64{known(r.CI[i][0]), known(r.CI[i][1])}
			}
		}
		doc.Points = append(doc.Points, out)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
