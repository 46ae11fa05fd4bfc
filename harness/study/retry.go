package study

import (
	"harness/results"
	"harness/search"
)

// retries is how often a launch is tried again after a fault that is not its config's:
// a port that was taken, a load generator at its limit, a broken GPU, a kill from
// outside, our own trouble. A second one in a row is recorded as the outcome. Hangs are
// not among them: they cost the whole timeout, and come again with their config.
const retries = 1

// add takes a trial into what is known of its launch. After an interruption the next
// attempt goes on with the launch, and after a passing fault it is a fresh one.
func (c *config) add(t results.Trial) {
	c.attempts = max(c.attempts, int(t.Attempt))
	c.trials = append(c.trials, t)
	c.began = t.Launch()
	switch {
	case t.Outcome == results.Cancelled:
	case t.Outcome == results.Failed && search.Transient(t.FailureClass) && c.faults < retries:
		c.faults++
		c.began, c.outcome = "", results.Cancelled
	default:
		c.outcome = t.Outcome
	}
}
