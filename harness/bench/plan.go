package bench

import (
	"cmp"
	"fmt"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
	"harness/space"
)

// Plan is one trial: all that decides what is launched and measured. It is plain
// JSON, so that a trial can run in this process or in a task far away by the same
// file. Nothing else passes from a study to its trials.
type Plan struct {
	StudyID       string          `json:"study_id"`
	TrialID       string          `json:"trial_id"`
	ConfigID      string          `json:"config_id"`
	Rank          string          `json:"rank"`
	Purpose       string          `json:"purpose"` // seed | ask | sentinel | confirm | control | interference
	Reason        string          `json:"reason"`
	Source        string          `json:"source,omitempty"`    // what of the search chose it
	Gain          float64         `json:"gain,omitempty"`      // expected growth of the hypervolume, as a share of it
	Success       float64         `json:"success,omitempty"`   // probability that it works, by the model
	Replicate     int             `json:"replicate,omitempty"` // 0: the config's own measurement; n: its n-th deliberate further launch
	Attempt       int             `json:"attempt"`             // at this replicate, from 1
	LaunchID      string          `json:"launch_id,omitempty"` // the trial that began this launch, if it goes on with an interrupted one; "": this one
	Devices       int             `json:"devices,omitempty"`   // GPUs that the server takes; 0: all that the study has
	Parallel      int             `json:"parallel"`            // most trials at a time, this one included; 1: it is alone
	Apart         string          `json:"apart,omitempty"`     // why its runs are no results, though nothing is wrong with them: they are stored as invalid for this reason
	Simulated     bool            `json:"simulated"`
	EngineVersion string          `json:"engine_version"`
	Launch        engine.Launch   `json:"launch"`
	Flags         []string        `json:"flags"` // of this config
	Params        []results.Param `json:"params"`
	// Expected are the effective values that the server should report.
	Expected []space.Expectation `json:"expected,omitempty"`
	Workload load.Workload       `json:"workload"`
	OpenLoop OpenLoop            `json:"open_loop"`
	SLO      load.SLO            `json:"slo,omitzero"` // of single requests: what makes one good
	Runs     []RunPlan           `json:"runs"`         // in the order in which they are measured; those that there may be, where Stopping has a rule
	Stopping Stopping            `json:"stopping"`
	Before   []Tried             `json:"before,omitempty"` // what earlier launches of this replicate have measured
	// StrictClient makes runs invalid in which this machine took part in the times. A
	// server on its CPUs always has a part in that: then it is told, and no more.
	StrictClient bool `json:"strict_client,omitempty"`
	// CoolDownSeconds is how long the machine is left alone between two runs.
	CoolDownSeconds float64 `json:"cool_down_s,omitempty"`
	GPUPrice        float64 `json:"gpu_price,omitempty"` // of an hour of one GPU, in any currency; 0: not given
	Drift           string  `json:"drift,omitempty"`     // what the last sentinel found
	// What a test of neighbours has shown, as in results.Trial.
	Interference       string          `json:"interference,omitempty"`
	InterferenceWhy    string          `json:"interference_why,omitempty"`
	InterferenceRatios []results.Ratio `json:"interference_ratios,omitempty"`
}

func (p Plan) launchID() string { return cmp.Or(p.LaunchID, p.TrialID) }

// RunPlan is one run: Requests offered at a load point.
type RunPlan struct {
	Point
	Repeat   int    `json:"repeat"` // from 1
	Requests int    `json:"requests"`
	Block    uint64 `json:"block"` // of prompts: the same for every config, so that differences between configs are not differences between prompts
}

// Key identifies a run within a config.
func (r RunPlan) Key() string { return fmt.Sprintf("%s-r%d", r.LoadPoint(), r.Repeat) }

// Ladder plans repeats runs at each load point. The repeats are the outer loop, so
// that a drift of the machine spreads over all load points.
func Ladder(points []Point, source *load.Source, repeats int) []RunPlan {
	var runs []RunPlan
	for r := 1; r <= repeats; r++ {
		for _, p := range points {
			runs = append(runs, RunPlan{Point: p, Repeat: r, Requests: p.requests(source), Block: runBlock(len(runs))})
		}
	}
	return runs
}

// Prompts of runs whose blocks are equal modulo blockPeriod begin with the same
// token (load.Source.Prompts). Runs have the lower half of a period, and what is
// not measured has the upper half of the first.
const (
	blockPeriod = 64
	warmupBlock = 32 // and the ones after it
	probeBlock  = 63
	retryBlocks = 1 << 20 // from one try of a run to the next
)

// runBlock is the block of the i-th run of a ladder, from 0.
func runBlock(i int) uint64 {
	return uint64(i/warmupBlock*blockPeriod + i%warmupBlock)
}
