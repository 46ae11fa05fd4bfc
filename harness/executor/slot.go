package executor

import (
	"context"

	"harness/harness/bench"
	"harness/results"
)

// Slot is what one trial runs on, claimed for it.
type Slot interface {
	// Run measures a plan and returns its row, which it has stored. When ctx ends, the
	// trial is ended and recorded as cancelled; when abort ends, its server is killed
	// without grace. An error is the harness's own trouble (a disk that is full): then
	// there is no row, and the trial counts as interrupted.
	Run(ctx, abort context.Context, p bench.Plan) (results.Trial, error)
	// Release gives the slot back, after Run.
	Release()
}
