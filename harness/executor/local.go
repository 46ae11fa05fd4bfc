// Package executor runs trials where there are GPUs: a plan goes in, the parts that
// it wrote are on disk, and its row comes back.
package executor

import (
	"context"

	"harness/harness/bench"
	"harness/results"
)

// Local runs trials on this machine, one at a time. It is not safe for concurrent use;
// its slots are.
type Local struct {
	Store results.Store
	GPUs  []string // UUIDs that a trial may use; none: the server sees what this process sees
	Watch func(bench.Event)

	busy bool
}

// Free is the number of devices that a trial could have now.
func (l *Local) Free() int {
	if l.busy {
		return 0
	}
	return max(1, len(l.GPUs))
}

// Claim takes the machine for a trial; nil while another trial has it.
func (l *Local) Claim(int) (Slot, error) {
	if l.busy {
		return nil, nil
	}
	l.busy = true
	return &localSlot{l}, nil
}

type localSlot struct{ *Local }

func (s *localSlot) Run(ctx, abort context.Context, p bench.Plan) (results.Trial, error) {
	return bench.Runner{Store: s.Store, Watch: s.Watch}.Run(ctx, abort, p, s.GPUs)
}

func (s *localSlot) Release() { s.busy = false }
