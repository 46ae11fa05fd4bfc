package export

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// What Optuna's journal calls things: JournalOperation, StudyDirection and TrialState
// in optuna/storages/journal/_storage.py, optuna/study/_study_direction.py and
// optuna/trial/_state.py (4.0 to 5.0).
const (
	opCreateStudy  = 0
	opStudyAttr    = 2
	opCreateTrial  = 4
	minimize       = 1
	maximize       = 2
	stateComplete  = 1
	stateFail      = 3
	journalWorker  = "harness"
	journalTime    = "2006-01-02T15:04:05.000000-07:00"
	categoricalKey = "CategoricalDistribution"
)

// Optuna writes a journal that optuna.storages.JournalStorage reads: an Optuna study for
// each load, named STUDY/LOAD, a trial for each config. Every parameter is categorical,
// over the values of the lattice: what is valid between them is not told. A failure is a
// trial of each study.
func (p Points) Optuna(w io.Writer) error {
	enc := json.NewEncoder(w)
	var directions []int
	for _, o := range p.Objectives {
		directions = append(directions, map[bool]int{false: minimize, true: maximize}[o.Higher])
	}
	distributions, err := p.distributions()
	if err != nil {
		return err
	}
	for id, load := range p.loads() {
		logs := []map[string]any{{"op_code": opCreateStudy, "worker_id": journalWorker, "study_name": p.Study + "/" + load, "directions": directions}}
		for _, about := range []map[string]any{{"engine": p.Engine}, {"engine_version": p.Version}, {"model": p.Model}, {"simulated": p.Simulated}, {"objectives": p.Objectives}} {
			logs = append(logs, map[string]any{"op_code": opStudyAttr, "worker_id": journalWorker, "study_id": id, "user_attr": about})
		}
		for _, r := range p.Rows {
			if r.Load != load && r.Failure == "" {
				continue
			}
			trial, err := p.trial(r)
			if err != nil {
				return fmt.Errorf("trial %s: %w", r.TrialID, err)
			}
			trial["study_id"], trial["distributions"] = id, distributions
			logs = append(logs, trial)
		}
		for _, l := range logs {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// loads are the points' loads, in order; a study of failures has one.
func (p Points) loads() []string {
	var loads []string
	for _, r := range p.Rows {
		if r.Failure == "" && !slices.Contains(loads, r.Load) {
			loads = append(loads, r.Load)
		}
	}
	if len(loads) == 0 {
		loads = []string{"none"}
	}
	return loads
}

// distributions are those of the parameters, each as the JSON text that a journal holds.
func (p Points) distributions() (map[string]string, error) {
	out := map[string]string{}
	for _, param := range p.Params {
		text, err := json.Marshal(map[string]any{"name": categoricalKey, "attributes": map[string]any{"choices": param.Values}})
		if err != nil {
			return nil, err
		}
		out[param.Name] = string(text)
	}
	return out, nil
}

func (p Points) trial(r Point) (map[string]any, error) {
	params := map[string]int{} // a category's internal value is its index
	for i, v := range r.Config {
		k := slices.Index(p.Params[i].Values, v)
		if k < 0 {
			return nil, fmt.Errorf("%s=%v is not in the lattice", p.Params[i].Name, v)
		}
		params[p.Params[i].Name] = k
	}
	attrs := map[string]any{"trial_id": r.TrialID, "config_id": r.ConfigID, "runs": r.Runs}
	trial := map[string]any{"op_code": opCreateTrial, "worker_id": journalWorker, "state": stateComplete, "value": nil, "values": nil,
		"datetime_start": r.Started.Format(journalTime), "datetime_complete": r.Started.Add(time.Duration(r.Seconds * float64(time.Second))).Format(journalTime),
		"params": params, "user_attrs": attrs, "system_attrs": map[string]any{}, "intermediate_values": map[string]any{}}
	switch {
	case r.Failure != "":
		trial["state"] = stateFail
		attrs["failure_class"] = r.Failure
	case len(r.Values) == 1:
		trial["value"] = r.Values[0]
	default:
		trial["values"] = r.Values
	}
	return trial, nil
}
