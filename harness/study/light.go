package study

import "harness/results"

// A study's loop holds the rows of all trials and runs, for what it asks next follows from
// them. light is a trial without what it does not go by: the server's own report, the end
// of its log, its command and its flags, which are most of a row.
func light(t results.Trial) results.Trial {
	t.EffectiveConfig, t.LogTail, t.FailureLine = "", "", ""
	t.Argv, t.Params, t.EffectiveDifferences = nil, nil, nil
	return t
}

// lighten does so with all trials.
func (s State) lighten() {
	for i, t := range s.Trials {
		s.Trials[i] = light(t)
	}
}
