package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
	"harness/space"
)

// portTries bounds the launches of one trial: another process may take the free port
// before the server does.
const portTries = 3

func (t *trial) launch(ctx context.Context, gpus []string) (*engine.Failure, error) {
	t.say("launch", t.plan.Launch.Engine)
	for try := 1; ; try++ {
		f, err := t.launchOnce(ctx, gpus)
		if f == nil || f.Class != engine.Port || try == portTries {
			return f, err
		}
		t.server.Stop(ctx, 0)
	}
}

func (t *trial) launchOnce(ctx context.Context, gpus []string) (*engine.Failure, error) {
	server, err := engine.Start(t.plan.Launch, t.plan.Flags, engine.Place{GPUs: gpus, CPUs: t.CPUs}, t.Store.LogPath(t.plan.TrialID))
	if err != nil {
		return nil, err
	}
	t.server, t.row.Argv = server, server.Command
	switch err := server.WaitReady(ctx); {
	case ctx.Err() != nil:
		return nil, nil
	case errors.Is(err, engine.ErrExited):
		return t.diagnose(ctx, engine.PhaseStart, engine.Crash, err.Error()), nil
	case err != nil:
		return t.diagnose(ctx, engine.PhaseStart, engine.HangStart, err.Error()), nil
	}
	t.simulated.serve(server.URL)
	t.target = load.Target{URL: server.URL, API: load.API(t.plan.Launch.Server.API), ExtraBody: t.extraBody()}
	if t.target.API == load.Completions || t.target.API == load.Chat {
		t.target.Model = server.ModelName(ctx)
	}
	if f := t.firstToken(ctx); f != nil || ctx.Err() != nil {
		return f, nil
	}
	t.row.LaunchSeconds = server.Age().Seconds()
	t.compareEffective(server.Info(ctx), server.Log())
	return nil, nil
}

// compareEffective records what the server says of itself, and where that is not what
// the space expects. A report that cannot be compared is kept as it is.
func (t *trial) compareEffective(info, log string) {
	t.row.EffectiveConfig = info
	differ, compared, err := space.CompareReport(t.plan.Expected, []byte(info), []byte(log))
	if err != nil || compared == 0 {
		return
	}
	t.row.EffectiveCompared = int32(compared)
	t.row.EffectiveDifferences = make([]results.Difference, len(differ))
	for i, d := range differ {
		t.row.EffectiveDifferences[i] = results.Difference{Param: d.Param, Expected: d.Expected.String(), Reported: d.Reported.String()}
	}
}

// extraBody is the engine's, without what keeps llama.cpp's prompt cache out, where
// prompts are meant to find each other there: those of another run are not found.
func (t *trial) extraBody() map[string]any {
	body := maps.Clone(t.plan.Launch.Server.ExtraBody)
	if t.plan.Workload.Shares() {
		delete(body, "cache_prompt")
	}
	return body
}

// firstToken makes one real generation: an answering readiness endpoint is no proof
// of a working model.
func (t *trial) firstToken(ctx context.Context) *engine.Failure {
	prompt := t.source.Prompts(probeBlock, 1)[0]
	prompt.OutputTokens = min(prompt.OutputTokens, 4)
	alive, cancel := t.alive(ctx)
	defer cancel()
	options := load.Options{Prompts: []load.Prompt{prompt}, Concurrency: 1}
	t.boundStalls(&options)
	result, err := load.Run(alive, t.target, options)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return t.diagnose(ctx, engine.PhaseFirst, classOfError(err), "first generation: "+err.Error())
	case !result.Records[0].OK():
		r := result.Records[0]
		return t.diagnose(ctx, engine.PhaseFirst, requestClass(r.Class, r.Error), fmt.Sprintf("first generation: %s: %s", r.Class, r.Error))
	}
	return nil
}

// boundStalls sets how long a request may bring no token.
func (t *trial) boundStalls(o *load.Options) {
	limit := time.Duration(t.plan.Launch.Server.StallTimeoutS * float64(time.Second))
	o.Timeouts.FirstToken, o.Timeouts.Gap = limit, limit
}

// alive returns a context that ends with ctx or with the server, so that no client
// waits for an answer that cannot come. The caller calls cancel.
func (t *trial) alive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-ctx.Done():
		case <-t.server.Done():
		}
	}()
	return ctx, cancel
}
