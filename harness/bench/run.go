package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
	"harness/results/stat"
)

// run measures one planned run, again where it comes out invalid. Every try is kept
// on disk; only a valid one counts. A run that stays invalid because its requests
// fail ends the trial.
func (t *trial) run(ctx context.Context, r RunPlan) (*engine.Failure, error) {
	for try := 1; ; try++ {
		flushed, err := t.server.Flush(ctx)
		if err != nil && ctx.Err() == nil {
			return t.diagnose(ctx, engine.PhaseRun, engine.RequestErrors, "flush of the prefix cache: "+err.Error()), nil
		}
		started := time.Now().UTC()
		block := r.Block + uint64(try-1)*retryBlocks // a new try has new prompts
		result, f := t.offer(ctx, engine.PhaseRun, block, r.Point, r.Requests)
		if result == nil || ctx.Err() != nil {
			return f, nil // a run that was cut short is no run
		}
		id := fmt.Sprintf("%s-%s", t.plan.TrialID, r.Key())
		if try > 1 {
			id = fmt.Sprintf("%s.%d", id, try)
		}
		requests := t.requestRows(id, result)
		row := t.runRow(id, r, result)
		row.StartedAt, row.Flushed, row.Block = started, flushed, int64(block)
		if f != nil {
			row.Valid, row.InvalidReason = false, f.Class+": "+f.Line
		}
		if err := t.Store.WriteRun(row, requests); err != nil {
			return nil, err
		}
		if f != nil {
			return f, nil
		}
		t.sample(ctx, id)
		if row.Valid {
			return nil, nil
		}
		t.say("run", fmt.Sprintf("%s, repeat %d, is invalid: %s", r.LoadPoint(), r.Repeat, row.InvalidReason))
		if try == maxTries {
			if row.Failures > 0 {
				class, text := failureOf(requests)
				return t.diagnose(ctx, engine.PhaseRun, class, text), nil
			}
			return nil, nil
		}
	}
}

// sample scrapes the server's metrics, between runs so that it disturbs none.
func (t *trial) sample(ctx context.Context, runID string) {
	metrics, err := t.server.Metrics(ctx)
	if err != nil {
		t.say("run", "metrics: "+err.Error())
	}
	now := time.Since(t.born).Nanoseconds()
	for _, m := range metrics {
		if strings.HasSuffix(m.Name, "_created") {
			continue // when a counter was made: a third of what vLLM exports
		}
		t.samples = append(t.samples, results.Sample{StudyID: t.plan.StudyID, TrialID: t.plan.TrialID, RunID: runID,
			TimeNS: now, Source: "server", Device: m.Labels, Metric: m.Name, Value: m.Value, Simulated: t.plan.Simulated})
	}
}

func (t *trial) runRow(id string, r RunPlan, result *load.Result) results.Run {
	s := load.Summarize(result)
	q := stat.Quantile
	row := results.Run{
		StudyID: t.plan.StudyID, TrialID: t.plan.TrialID, RunID: id, ConfigID: t.plan.ConfigID,
		LoadPoint: r.LoadPoint(), Concurrency: int32(r.Concurrency), Repeat: int32(r.Repeat),
		Seed: int64(t.plan.Workload.Seed), Simulated: t.plan.Simulated,
		DurationS: s.DurationSeconds, Requests: int32(len(result.Records)), Failures: int32(s.Failed + s.Unsent),
		PromptTokens: s.PromptTokens, OutputTokens: s.OutputTokens, CachedTokens: s.CachedTokens,
		OutputTPS: s.OutputTPS, TotalTPS: s.TotalTPS, RequestRPS: s.RequestRPS,
		TTFTMeanS: stat.Mean(s.TTFTSeconds), TTFTP50S: q(s.TTFTSeconds, 0.5), TTFTP90S: q(s.TTFTSeconds, 0.9), TTFTP99S: q(s.TTFTSeconds, 0.99),
		TPOTMeanS: stat.Mean(s.TPOTSeconds), TPOTP50S: q(s.TPOTSeconds, 0.5), TPOTP90S: q(s.TPOTSeconds, 0.9), TPOTP99S: q(s.TPOTSeconds, 0.99),
		ITLP50S: q(s.ITLSeconds, 0.5), ITLP99S: q(s.ITLSeconds, 0.99),
		E2EP50S: q(s.E2ESeconds, 0.5), E2EP99S: q(s.E2ESeconds, 0.99),
		ClientCPUS: result.Client.CPUSeconds, ClientStamps: result.Client.Stamps,
		ClientErrorP99: result.Client.ReadDelayP99Seconds, ClientLagP99: result.Client.LagP99Seconds,
	}
	if s.CachedSaid == 0 {
		row.CachedTokens = -1
	}
	row.InvalidReason = invalidReason(row)
	row.Valid = row.InvalidReason == ""
	return row
}

func (t *trial) requestRows(runID string, result *load.Result) []results.Request {
	rows := make([]results.Request, len(result.Records))
	for i, r := range result.Records {
		chunkNS, chunkTokens := r.TokenChunks()
		rows[i] = results.Request{
			StudyID: t.plan.StudyID, TrialID: t.plan.TrialID, RunID: runID, Request: int32(r.Index),
			Status: int32(r.Status), FailureClass: r.Class, Error: r.Error, FinishReason: r.FinishReason,
			SchedNS: r.SchedNS, SendNS: r.SendNS, FirstByteNS: r.FirstByteNS, FirstTokenNS: r.FirstTokenNS,
			LastTokenNS: r.LastTokenNS, DoneNS: r.DoneNS,
			PromptTokens: int32(r.PromptTokens), OutputTokens: int32(r.OutputTokens), CachedTokens: int32(r.CachedTokens),
			Requested: int32(r.RequestedTokens), ChunkNS: chunkNS, ChunkTokens: chunkTokens, Simulated: t.plan.Simulated,
		}
	}
	return rows
}
