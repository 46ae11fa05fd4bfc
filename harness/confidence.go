package main

import (
	"fmt"
	"io"

	"harness/harness/study"
	"harness/results/report"
)

// printConfidence tells how sure the front is after what confirmed it, and what became
// of the studies that this one builds on.
func (a *app) printConfidence(out io.Writer, s *study.Study, state study.State, front report.Front) {
	if len(front.From) > 0 {
		fmt.Fprintln(out)
	}
	for _, text := range front.SourceTexts() {
		fmt.Fprintf(out, "Builds on %s\n", text)
	}
	n := study.Confirmed(state.Trials)
	doubtful := len(front.Doubtful())
	switch {
	case len(front.Points()) == 0:
	case doubtful == 0:
		fmt.Fprintf(out, "\nThe front is settled: each point is on it, or off it, with a probability of 0.9 or more (%s).\n", launches(n))
	default:
		fmt.Fprintf(out, "\nIn doubt: %s, on the front with a probability from 0.1 to 0.9 (%s). To settle them: %s refine --study %s --trials 0 --confirm %d\n",
			report.Plural(doubtful, "point"), launches(n), a.program, s.Store.Dir, 2*doubtful)
	}
}

func launches(n int) string {
	if n == 0 {
		return "nothing was launched to confirm it"
	}
	if n == 1 {
		return "1 launch to confirm it"
	}
	return fmt.Sprintf("%d launches to confirm it", n)
}
