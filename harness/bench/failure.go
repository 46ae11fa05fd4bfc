package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
)

// diagnose classifies what went wrong: the server's log and its end say more than the
// requests do, and fallback, with its description, stands where they say nothing. Where
// requests failed it waits for the end of a server that may be dying.
func (t *trial) diagnose(ctx context.Context, phase, fallback, description string) *engine.Failure {
	if fallback == engine.RequestErrors {
		t.settle(ctx)
	}
	f := t.server.Diagnose(phase, fallback, description)
	return &f
}

// settleTime bounds the wait for the end of a server that may be dying.
const settleTime = 2 * time.Second

// settle waits for the end of a server that seems to be dying: it breaks its
// connections a moment before its process has ended (SGLang's parent goes after its
// children).
func (t *trial) settle(ctx context.Context) {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-t.server.Done():
	case <-timer.C:
	case <-ctx.Done():
	}
}

// connectionsLost reports whether a request failed as those of a dying server do.
func connectionsLost(result *load.Result) bool {
	return slices.ContainsFunc(result.Records, func(r load.Record) bool {
		return r.Class == load.ClassConnect || r.Class == load.ClassReset || r.Class == load.ClassTruncated
	})
}

// classOfError is the class of a trial that ends with an error on the way to the server:
// it hangs where it lets us wait, this machine is at its limit where that has no more
// files or ports, and what is no matter of a connection is our own trouble.
func classOfError(err error) string {
	var network net.Error
	var number syscall.Errno
	switch {
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return engine.HangServing
	case exhausted(err.Error()):
		return engine.ClientOverload
	case errors.As(err, &network), errors.As(err, &number):
		return engine.RequestErrors
	}
	return engine.HarnessError
}

// classOfFlush is the class of a trial whose prefix cache cannot be emptied: a server that
// answers otherwise than it should fails requests.
func classOfFlush(err error) string {
	if class := classOfError(err); class != engine.HarnessError {
		return class
	}
	return engine.RequestErrors
}

// exhausted reports whether a connection failed for want of something on this machine.
func exhausted(message string) bool {
	return slices.ContainsFunc([]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS}, func(e syscall.Errno) bool {
		return strings.Contains(message, e.Error())
	})
}

// requestClass maps the way a request failed to the failure class of a trial.
func requestClass(class, message string) string {
	switch class {
	case load.ClassFirstTO, load.ClassGapTO, load.ClassTotalTO, load.ClassConnectTO:
		return engine.HangServing
	case load.ClassWrongCount, load.ClassEmpty:
		return engine.WrongOutput
	case load.ClassConnect:
		if exhausted(message) {
			return engine.ClientOverload
		}
	}
	return engine.RequestErrors
}

// failureOf names the class of a trial from the classes of its failed requests: the
// most frequent one. "" when no request failed.
func failureOf(requests []results.Request) (class, description string) {
	counts := map[string]int{}
	total := 0
	example := ""
	for _, r := range requests {
		if r.FailureClass == "" || r.FailureClass == load.ClassCancelled {
			continue // what the run's early end cut off tells nothing
		}
		total++
		if example == "" {
			example = r.FailureClass + ": " + r.Error
		}
		counts[requestClass(r.FailureClass, r.Error)]++
	}
	for c, n := range counts {
		if n > counts[class] || n == counts[class] && c < class {
			class = c
		}
	}
	return class, fmt.Sprintf("%d of %d requests failed, the first: %s", total, len(requests), example)
}

// failureOfRun names the class of a trial whose run stayed invalid. "" where that is no
// fault of the server or the machine: then the trial goes on without it.
func failureOfRun(row results.Run, requests []results.Request) (class, description string) {
	switch {
	case lateClass(row.InvalidReason) != "":
		return lateClass(row.InvalidReason), row.InvalidReason
	case row.Failures > 0:
		return failureOf(requests)
	case strings.HasPrefix(row.InvalidReason, clientPrefix):
		return engine.ClientOverload, row.InvalidReason
	}
	return "", ""
}
