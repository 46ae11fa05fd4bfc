// Package executor runs trials where there are GPUs: a plan goes in, the parts that
// it wrote are on disk, and its row comes back.
package executor

import (
	"context"

	"harness/harness/bench"
	"harness/results"
)

// Local runs trials on this machine, one at a time.
type Local struct {
	Store results.Store
	GPUs  []string // UUIDs that a trial may use; none: the server sees what this process sees
	Watch func(bench.Event)
}

// Run measures one plan. See bench.Runner.Run for what ctx and abort end, and for
// what an error means.
func (l Local) Run(ctx, abort context.Context, p bench.Plan) (results.Trial, error) {
	return bench.Runner{Store: l.Store, Watch: l.Watch}.Run(ctx, abort, p, l.GPUs)
}
