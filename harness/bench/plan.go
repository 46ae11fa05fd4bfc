package bench

import (
	"fmt"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
)

// Plan is one trial: all that decides what is launched and measured. It is plain
// JSON, so that a trial can run in this process or in a task far away by the same
// file. Nothing else passes from a study to its trials.
type Plan struct {
	StudyID       string          `json:"study_id"`
	TrialID       string          `json:"trial_id"`
	ConfigID      string          `json:"config_id"`
	Rank          string          `json:"rank"`
	Purpose       string          `json:"purpose"` // seed | ask | sentinel | confirm | control
	Reason        string          `json:"reason"`
	Attempt       int             `json:"attempt"` // from 1
	Simulated     bool            `json:"simulated"`
	EngineVersion string          `json:"engine_version"`
	Launch        engine.Launch   `json:"launch"`
	Flags         []string        `json:"flags"` // of this config
	Params        []results.Param `json:"params"`
	Workload      load.Workload   `json:"workload"`
	Runs          []RunPlan       `json:"runs"` // in the order in which they are measured
	Goal          Goal            `json:"goal"`
}

// Goal is what the command that asked for a trial wanted, so that the same command can
// go on after an interruption: Trials configs, which makes Total of this purpose.
type Goal struct {
	Trials int `json:"trials"`
	Total  int `json:"total"`
}

// RunPlan is one run: a closed loop that keeps Concurrency requests in flight until
// Requests were made.
type RunPlan struct {
	Concurrency int    `json:"concurrency"`
	Repeat      int    `json:"repeat"` // from 1
	Requests    int    `json:"requests"`
	Block       uint64 `json:"block"` // of prompts: the same for every config, so that differences between configs are not differences between prompts
}

// LoadPoint names the offered load in tables and files.
func (r RunPlan) LoadPoint() string { return fmt.Sprintf("c%d", r.Concurrency) }

// Key identifies a run within a config.
func (r RunPlan) Key() string { return fmt.Sprintf("%s-r%d", r.LoadPoint(), r.Repeat) }

// Ladder plans repeats runs at each load point. The repeats are the outer loop, so
// that a drift of the machine spreads over all load points.
func Ladder(concurrency []int, repeats int) []RunPlan {
	var runs []RunPlan
	for r := 1; r <= repeats; r++ {
		for _, c := range concurrency {
			runs = append(runs, RunPlan{Concurrency: c, Repeat: r, Requests: requestsFor(c), Block: runBlock(len(runs))})
		}
	}
	return runs
}

// Prompts of runs whose blocks are equal modulo blockPeriod begin with the same
// token (load.Workload.Prompts). Runs have the lower half of a period, and what is
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

// requestsFor gives each worker of the closed loop at least two requests, so that a
// run is more than its start-up, and a run enough requests for a median.
func requestsFor(concurrency int) int { return max(8, 2*concurrency) }
