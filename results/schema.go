// Package results keeps what was measured: the Parquet schema, the store of
// immutable parts, and the statistics that turn raw rows into numbers with
// intervals.
//
// The flow is Store.WriteRun, WriteRequests, WriteSamples, WriteTrial (one part
// each, in this order), and back Store.Trials, Store.Runs (all parts, damaged ones
// named and left out), then Collect (rows of one config to one Measurement). The
// package starts nothing and measures nothing. What is on disk is the truth: there
// is no index and no journal.
package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// SchemaVersion is written into the key-value metadata of every part
// ("harness.schema"). Parts of version 1 are read as well: version 2 only adds columns,
// and those that a part lacks are zero, or null. A reader refuses any other version and
// says so.
const SchemaVersion = "2"

// readableVersions are those that this reader takes.
var readableVersions = []string{"1", SchemaVersion}

// Outcomes of a trial.
const (
	OK        = "ok"        // every planned run was measured
	Failed    = "failed"    // FailureClass says how
	Cancelled = "cancelled" // ended from outside; its finished runs still count
)

// Trial is one row of trials: one launch of one config. A failed trial keeps its
// row, so that a search does not ask for it again and a report can say why it is
// missing. In the file a column for each parameter follows these.
type Trial struct {
	StudyID         string   `parquet:"study_id,dict" json:"study_id"`
	TrialID         string   `parquet:"trial_id" json:"trial_id"`
	ConfigID        string   `parquet:"config_id" json:"config_id"`                        // hash of the canonical config
	Rank            string   `parquet:"rank" json:"rank"`                                  // decimal, in the study's lattice
	Purpose         string   `parquet:"purpose,dict" json:"purpose"`                       // seed | ask | sentinel | confirm | control | interference
	Reason          string   `parquet:"reason" json:"reason"`                              // why the search asked for it
	Source          string   `parquet:"source,dict" json:"source,omitempty"`               // what of the search chose it: design, model, exploration, evolution, uniform, order
	ExpectedGain    float64  `parquet:"expected_gain" json:"expected_gain,omitempty"`      // growth of the hypervolume that the model expected, as a share of it; 0: no model was asked
	PSuccess        float64  `parquet:"p_success" json:"p_success,omitempty"`              // probability that it works, by the model; 0: no model was asked
	Replicate       int32    `parquet:"replicate" json:"replicate,omitempty"`              // 0: the config's own measurement; n: its n-th deliberate further launch (sentinel, confirm)
	Attempt         int32    `parquet:"attempt" json:"attempt"`                            // 1 for the first launch of this config and replicate
	LaunchID        string   `parquet:"launch_id" json:"launch_id"`                        // the trial that began this launch: its own, or the interrupted one that it goes on with
	Parallel        int32    `parquet:"trials_at_once" json:"trials_at_once"`              // most trials at a time when it ran, itself included; 1: it was alone
	Outcome         string   `parquet:"outcome,dict" json:"outcome"`                       // ok | failed | cancelled
	FailureClass    string   `parquet:"failure_class,dict" json:"failure_class,omitempty"` // "" when ok
	Phase           string   `parquet:"phase,dict" json:"phase,omitempty"`                 // start | first_token | warmup | run, where it failed
	ExitStatus      *int32   `parquet:"exit_status,optional" json:"exit_status,omitempty"` // of the server, when it ended by itself; -N: signal N
	FailureSeconds  *float64 `parquet:"failure_s,optional" json:"failure_s,omitempty"`     // seconds since launch
	FailureLine     string   `parquet:"failure_line" json:"failure_line,omitempty"`        // the log line that decided the class
	LogTail         string   `parquet:"log_tail" json:"-"`                                 // the log's last lines, for failures
	Engine          string   `parquet:"engine,dict" json:"engine"`                         // sglang | vllm | llamacpp | sim
	EngineVersion   string   `parquet:"engine_version,dict" json:"engine_version"`         // as the engine says it
	Model           string   `parquet:"model,dict" json:"model"`                           // path or name given to the engine
	Simulated       bool     `parquet:"simulated" json:"simulated"`                        // true: no number here was measured
	Host            string   `parquet:"host,dict" json:"host"`                             //
	GPUs            []string `parquet:"gpus,list" json:"gpus"`                             // UUIDs
	CPUs            []int32  `parquet:"cpus,list" json:"cpus,omitempty"`                   // that the server could run on; empty: all
	Argv            []string `parquet:"argv,list" json:"argv"`                             // the command that ran, secrets masked
	EffectiveConfig string   `parquet:"effective_config" json:"-"`                         // JSON, as the server reports it; "" when it does not

	// EffectiveCompared is how many effective values the server told that the space has
	// an expectation of; EffectiveDifferences are those that were not as expected.
	EffectiveCompared    int32        `parquet:"effective_compared" json:"effective_compared"`
	EffectiveDifferences []Difference `parquet:"effective_differences,list" json:"effective_differences,omitempty"`

	StartedAt      time.Time `parquet:"started_at,timestamp(microsecond)" json:"started_at"` // wall clock
	LaunchSeconds  float64   `parquet:"launch_s" json:"launch_s"`                            // process start to the first generated token
	WarmupSeconds  float64   `parquet:"warmup_s" json:"warmup_s"`
	WarmupSteady   bool      `parquet:"warmup_steady" json:"warmup_steady"` // false: the bound was reached first
	MeasureSeconds float64   `parquet:"measure_s" json:"measure_s"`         // all runs, flushes included
	StopSeconds    float64   `parquet:"stop_s" json:"stop_s"`               // the server's end
	TotalSeconds   float64   `parquet:"total_s" json:"total_s"`             // launch to the server's end
	HarnessSeconds float64   `parquet:"harness_s" json:"harness_s"`         // of these, what harness itself took: neither launch, warm-up, load, cool-down nor stop
	Drift          string    `parquet:"drift,dict" json:"drift,omitempty"`  // how the baseline was off at the sentinel before; "": it was not, or there was none

	// What was found of the GPUs before the launch.
	GateVerdict      string   `parquet:"gate_verdict,dict" json:"gate_verdict,omitempty"`               // open | marked | refused; "": nobody looked
	GateReason       string   `parquet:"gate_reason" json:"gate_reason,omitempty"`                      // "" where open
	GateWaitSeconds  float64  `parquet:"gate_wait_s" json:"gate_wait_s,omitempty"`                      // until the verdict
	GateMemoryBytes  *float64 `parquet:"gate_memory_bytes,optional" json:"gate_memory_bytes,omitempty"` // in use, of the GPU that had most; null: not said
	GateTemperatureC *float64 `parquet:"gate_temperature_c,optional" json:"gate_temperature_c,omitempty"`
	TelemetryFault   string   `parquet:"telemetry_fault" json:"telemetry_fault,omitempty"` // why the GPUs could not be read, or what they said went wrong; "": nothing

	// Interference is what a test of neighbours had shown when the trial began: allowed
	// (trials may run beside each other), refused (they change the numbers), trusted (the
	// user let them all the same), or "" (none was made until then, or this is its own).
	Interference       string  `parquet:"interference,dict" json:"interference,omitempty"`
	InterferenceWhy    string  `parquet:"interference_why,dict" json:"interference_why,omitempty"`       // the test's result for people
	InterferenceRatios []Ratio `parquet:"interference_ratios,list" json:"interference_ratios,omitempty"` // of each objective, beside neighbours by alone

	// Params is the config. It becomes a column for each parameter.
	Params []Param `parquet:"-" json:"-"`
}

// Words of Trial.Interference.
const (
	NeighboursAllowed = "allowed"
	NeighboursRefused = "refused"
	NeighboursTrusted = "trusted"
)

// Ratio is a metric's ratio with its 95 % interval.
type Ratio struct {
	Metric string  `parquet:"metric" json:"metric"`
	Value  float64 `parquet:"value" json:"value"`
	Low    float64 `parquet:"low" json:"low"`
	High   float64 `parquet:"high" json:"high"`
}

// Difference is a parameter of which the server reported another value than the space
// expects, both as text.
type Difference struct {
	Param    string `parquet:"param" json:"param"`
	Expected string `parquet:"expected" json:"expected"`
	Reported string `parquet:"reported" json:"reported"`
}

// Param is one parameter's column and value in a trial's row.
type Param struct {
	Name string
	Type ColumnType
	// Value is nil (flag omitted), or an int64, float64, bool or string that
	// matches Type.
	Value any
}

// ColumnType is the type of a parameter's column. All columns are optional: null
// means that the flag was omitted.
type ColumnType int

// Column types, from narrow to wide.
const (
	BoolColumn ColumnType = iota
	IntColumn
	FloatColumn
	StringColumn
)

// Run is one row of runs: one measured repeat of one load point in one trial. Run
// and trial identifiers are unique within a study. Percentiles interpolate
// linearly between order statistics, as NumPy does by default.
type Run struct {
	StudyID        string    `parquet:"study_id,dict"`
	TrialID        string    `parquet:"trial_id"`
	RunID          string    `parquet:"run_id"`
	ConfigID       string    `parquet:"config_id"`
	LaunchID       string    `parquet:"launch_id"`       // of its trial: what is told of the spread between launches goes by it; see Launch
	LoadPoint      string    `parquet:"load_point,dict"` // c16: closed loop, 16 requests in flight; r2.5: open loop, 2.5 a second; trace: at a trace's times
	Concurrency    int32     `parquet:"concurrency"`     // requests kept in flight; 0 in an open loop
	Rate           *float64  `parquet:"rate,optional"`   // requests offered a second; null in a closed loop and for a trace
	API            string    `parquet:"api,dict"`        // completions | chat | generate | completion
	Repeat         int32     `parquet:"repeat"`          // from 1
	Seed           int64     `parquet:"seed"`            // of the study's prompts
	Block          int64     `parquet:"block"`           // which prompts of that seed; the same for every config
	Valid          bool      `parquet:"valid"`           // false: kept, and left out of every statistic
	InvalidReason  string    `parquet:"invalid_reason"`  // "" when valid
	Decision       string    `parquet:"decision,dict"`   // what was decided after it: continue, or why the load point was measured enough: precise, loses, equal, misses slo, cap, planned, invalid
	DecisionWhy    string    `parquet:"decision_why"`    // the same for people
	Bounds         []float64 `parquet:"bounds,list"`     // of a run that was cut short: the best that it could have reached, in the study's objectives and then in the other metrics that it limits; 0: not known
	Simulated      bool      `parquet:"simulated"`       //
	StartedAt      time.Time `parquet:"started_at,timestamp(microsecond)"`
	DurationS      float64   `parquet:"duration_s"` // first send to last completion
	Requests       int32     `parquet:"requests"`
	Failures       int32     `parquet:"failed"`
	Unsent         int32     `parquet:"unsent"`  // planned, and not sent before the run ended
	Flushed        bool      `parquet:"flushed"` // the prefix cache was emptied before
	PromptTokens   int64     `parquet:"prompt_tokens"`
	OutputTokens   int64     `parquet:"output_tokens"`
	CachedTokens   int64     `parquet:"cached_tokens"` // -1: the server does not say
	SharedTokens   int64     `parquet:"shared_tokens"` // of the prompts, that an earlier one of the run has too by design: what a cache can find; -1: not known
	OutputTPS      float64   `parquet:"output_tps"`    // output tokens / duration
	TotalTPS       float64   `parquet:"total_tps"`     // prompt and output tokens / duration
	RequestRPS     float64   `parquet:"request_rps"`
	SteadyS        float64   `parquet:"steady_s"`          // length of the part of the run that is neither beginning nor draining
	SteadyTPS      float64   `parquet:"steady_output_tps"` // output tokens / s in it, by the times of their chunks
	GoodRPS        *float64  `parquet:"good_rps,optional"` // requests / s that kept the limits that were asked for; null: there were none
	TTFTMeanS      float64   `parquet:"ttft_mean_s"`
	TTFTP50S       float64   `parquet:"ttft_p50_s"`
	TTFTP90S       float64   `parquet:"ttft_p90_s"`
	TTFTP99S       float64   `parquet:"ttft_p99_s"`
	TPOTMeanS      float64   `parquet:"tpot_mean_s"`
	TPOTP50S       float64   `parquet:"tpot_p50_s"`
	TPOTP90S       float64   `parquet:"tpot_p90_s"`
	TPOTP99S       float64   `parquet:"tpot_p99_s"`
	ITLP50S        float64   `parquet:"itl_p50_s"`
	ITLP99S        float64   `parquet:"itl_p99_s"`
	E2EP50S        float64   `parquet:"e2e_p50_s"`
	E2EP99S        float64   `parquet:"e2e_p99_s"`
	ClientCPUS     float64   `parquet:"client_cpu_s"`
	ClientStamps   string    `parquet:"client_stamps,dict"` // user | kernel
	ClientErrorP99 float64   `parquet:"client_error_p99_s"` // what the client may have added to a stamp; NaN: not known
	ClientLagP99   float64   `parquet:"client_lag_p99_s"`   // lateness of sends against the schedule; NaN in a closed loop
	ClientFaults   string    `parquet:"client_faults"`      // why this machine's part in the times is too large; "" where it is not

	GPUCount int32 `parquet:"gpu_count"` // GPUs that the server was on; 0: none

	// Of the trial's GPUs together, while the run lasted; null: not measured.
	EnergyJ          *float64 `parquet:"energy_j,optional"`
	EnergySource     string   `parquet:"energy_source,dict"`          // counter | power: the integral of power over time | "" where there is none
	JoulesPerToken   *float64 `parquet:"joules_per_token,optional"`   // energy / output tokens
	PowerMeanW       *float64 `parquet:"power_mean_w,optional"`       // energy / duration
	MemoryPeakBytes  *float64 `parquet:"memory_peak_bytes,optional"`  // of the GPU that had most in use
	GPUUtilization   *float64 `parquet:"gpu_utilization,optional"`    // 0 to 1: share of time in which a kernel ran, mean of the GPUs
	TemperatureMaxC  *float64 `parquet:"temperature_max_c,optional"`  // of the hottest GPU
	ThrottledShare   *float64 `parquet:"throttled_share,optional"`    // 0 to 1, of the time: slowed by heat or supply
	PowerCappedShare *float64 `parquet:"power_capped_share,optional"` // 0 to 1, of the time: held at the power limit

	// What a million output tokens cost, in the currency of the price of a GPU hour that
	// was given; null: none was.
	CostPerMillion *float64 `parquet:"cost_per_million_tokens,optional"`
}

// Request is one row of requests. Times are ns from the run's start, -1 where the
// event did not happen. Those of what came in are multiples of 256 ns, for that is far
// below their error (client_error_p99_s of the run).
type Request struct {
	StudyID      string `parquet:"study_id,dict"`
	TrialID      string `parquet:"trial_id,dict"`
	RunID        string `parquet:"run_id,dict"`
	Request      int32  `parquet:"request"` // index in the run, from 0
	API          string `parquet:"api,dict"`
	Status       int32  `parquet:"status"` // HTTP; 0: none arrived
	FailureClass string `parquet:"failure_class,dict"`
	Error        string `parquet:"error"`
	FinishReason string `parquet:"finish_reason,dict"`
	SchedNS      int64  `parquet:"t_sched_ns,delta"`
	DispatchNS   int64  `parquet:"t_dispatch_ns,delta"`   // taken up, before any dial
	ConnReadyNS  int64  `parquet:"t_conn_ready_ns,delta"` // a connection was there
	SendNS       int64  `parquet:"t_send_ns,delta"`       // the write began
	WrittenNS    int64  `parquet:"t_written_ns,delta"`
	HeadersNS    int64  `parquet:"t_headers_ns,delta"`
	FirstByteNS  int64  `parquet:"t_first_byte_ns,delta"`
	FirstEventNS int64  `parquet:"t_first_choices_ns,delta"` // first event with a choice, be it empty
	FirstTokenNS int64  `parquet:"t_first_token_ns,delta"`
	VisibleNS    int64  `parquet:"t_first_visible_ns,delta"` // first token that is not reasoning
	LastTokenNS  int64  `parquet:"t_last_token_ns,delta"`
	LastEventNS  int64  `parquet:"t_last_choices_ns,delta"`
	FinishNS     int64  `parquet:"t_finish_ns,delta"`
	UsageNS      int64  `parquet:"t_usage_ns,delta"`
	DoneNS       int64  `parquet:"t_done_ns,delta"`
	ConnReused   bool   `parquet:"conn_reused"`
	Reads        int32  `parquet:"reads"`         // that brought bytes
	PromptTokens int32  `parquet:"prompt_tokens"` // as the server counts; -1: it does not say
	OutputTokens int32  `parquet:"output_tokens"`
	CachedTokens int32  `parquet:"cached_tokens"`
	Requested    int32  `parquet:"requested_tokens"`

	// The chunks that carried tokens: when each arrived, when the program had it
	// (empty: at that time), its tokens (0: the server does not say), what it was, and
	// which of the request's reads brought it: equal numbers share one time.
	ChunkNS     []int64 `parquet:"chunk_ns,list"`
	ChunkUserNS []int64 `parquet:"chunk_user_ns,list"`
	ChunkTokens []int32 `parquet:"chunk_tokens,list" parquet-element:",delta"`
	ChunkKind   []int32 `parquet:"chunk_kind,list" parquet-element:",delta"` // 0 empty, 1 role, 2 reasoning, 3 content, 4 tool, 5 finish, 6 usage, 7 done, 8 comment, 9 error
	ChunkRead   []int32 `parquet:"chunk_read,list" parquet-element:",delta"`

	// The stream's other events likewise. EventAt is an event's place among all events,
	// those with tokens included, from 0.
	EventNS     []int64 `parquet:"event_ns,list"`
	EventUserNS []int64 `parquet:"event_user_ns,list"`
	EventKind   []int32 `parquet:"event_kind,list" parquet-element:",delta"`
	EventRead   []int32 `parquet:"event_read,list" parquet-element:",delta"`
	EventAt     []int32 `parquet:"event_at,list" parquet-element:",delta"`

	Simulated bool `parquet:"simulated"`
}

// Sample is one row of samples: one metric of one source at one time.
type Sample struct {
	StudyID   string  `parquet:"study_id,dict"`
	TrialID   string  `parquet:"trial_id,dict"`
	RunID     string  `parquet:"run_id,dict"` // "" outside a run
	TimeNS    int64   `parquet:"t_ns,delta"`  // since the trial's start
	Source    string  `parquet:"source,dict"` // server | client | gpu
	Device    string  `parquet:"device,dict"` // GPU UUID or metric labels
	Metric    string  `parquet:"metric,dict"`
	Value     float64 `parquet:"value"`
	Simulated bool    `parquet:"simulated"`
}

// Launch names the launch that the statistics count a run to. Of an interrupted trial
// and the one that goes on with it this is one, as it would have been undisturbed. Parts
// from before that column count each trial.
func (r Run) Launch() string { return cmp.Or(r.LaunchID, r.TrialID) }

// Launch is that of the trial's runs.
func (t Trial) Launch() string { return cmp.Or(t.LaunchID, t.TrialID) }

// UnmarshalJSON restores the value's type from the column's, since JSON has but one
// kind of number.
func (p *Param) UnmarshalJSON(data []byte) error {
	var raw struct {
		Name  string
		Type  ColumnType
		Value json.RawMessage
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	p.Name, p.Type, p.Value = raw.Name, raw.Type, nil
	if len(raw.Value) == 0 || string(raw.Value) == "null" {
		return nil
	}
	var err error
	switch raw.Type {
	case BoolColumn:
		p.Value, err = decodeAs[bool](raw.Value)
	case IntColumn:
		p.Value, err = decodeAs[int64](raw.Value)
	case FloatColumn:
		p.Value, err = decodeAs[float64](raw.Value)
	default:
		p.Value, err = decodeAs[string](raw.Value)
	}
	if err != nil {
		return fmt.Errorf("parameter %s: %w", raw.Name, err)
	}
	return nil
}

func decodeAs[T any](data []byte) (v T, err error) {
	err = json.Unmarshal(data, &v)
	return v, err
}
