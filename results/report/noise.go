package report

import (
	"fmt"
	"math"

	"harness/results"
	"harness/results/stat"
)

// noiseItems tells in words how much the numbers vary without a cause of ours: from run
// to run, from launch to launch, and over the time of the study.
func (f Front) noiseItems(trials []results.Trial) []Item {
	if len(f.Rows) == 0 {
		return nil
	}
	var items []Item
	for i, s := range f.spreads() {
		name := Label(f.Aim.Objectives[i])
		if s.Run.DF > 0 {
			items = append(items, Item{"run to run, " + name, spreadText(s.Run, "runs")})
		}
		if s.Launch.DF > 0 {
			text := spreadText(s.Launch, "launches")
			if s.Negative {
				text = fmt.Sprintf("none beyond what runs explain (%s)", Plural(s.Launch.N, "launch"))
			}
			items = append(items, Item{"launch to launch, " + name, text})
		}
	}
	if len(items) == 0 {
		return nil
	}
	if s := f.spreads(); s[0].Launch.DF == 0 && s[1].Launch.DF == 0 {
		items = append(items, Item{"launch to launch", "not known: no config was launched twice, so intervals are about one launch each"})
	}
	return append(items, f.drift(trials)...)
}

// spreadText writes a standard deviation of logs as a share.
func spreadText(sd stat.SD, of string) string {
	text := fmt.Sprintf("%s (standard deviation) from %d %s", percentOf(sd.Value), sd.N, of)
	if math.IsNaN(sd.Low) || math.IsNaN(sd.High) {
		return text
	}
	if sd.High > 100*sd.Value {
		return text + ", too few to bound it"
	}
	return fmt.Sprintf("%s, 95 %% interval [%s, %s]", text, percentOf(sd.Low), percentOf(sd.High))
}

func percentOf(share float64) string { return Number(100*share) + " %" }

// drift compares the launches of the sentinel, the config that was launched again and
// again to see whether the machine changes.
func (f Front) drift(trials []results.Trial) []Item {
	ids := map[string]bool{}
	for _, t := range trials {
		if t.Purpose == "sentinel" {
			ids[t.ConfigID] = true
		}
	}
	if len(ids) == 0 {
		return []Item{{"drift", "not looked for: the study has no sentinel, a config that is launched again from time to time"}}
	}
	var items []Item
	noise := f.noise()
	for _, r := range f.Rows {
		if !ids[r.ConfigID] {
			continue
		}
		for i, o := range f.Aim.Objectives {
			d := stat.DriftOf(sentinels(trials, r.Runs, o.Of), noise[i])
			items = append(items, Item{fmt.Sprintf("drift, %s, %s", Label(o), loadText(r.Measurement)), driftText(d)})
		}
	}
	return items
}

// sentinels are the launches of one config at one load.
func sentinels(trials []results.Trial, runs []results.Run, metric func(results.Run) float64) []stat.Sentinel {
	var all []stat.Sentinel
	for _, t := range trials {
		var own []results.Run
		for _, r := range runs {
			if r.TrialID == t.TrialID {
				own = append(own, r)
			}
		}
		if len(own) > 0 {
			all = append(all, stat.Sentinel{Seconds: float64(t.StartedAt.UnixMilli()) / 1000, Runs: results.Values(own, metric)})
		}
	}
	return all
}

func driftText(d stat.Drift) string {
	text := fmt.Sprintf("a trend needs more (%s)", d.PerHour.Insufficient)
	if d.PerHour.Insufficient == "" {
		text = fmt.Sprintf("%s an hour [%s, %s] from %s", Percent(d.PerHour.Value), Percent(d.PerHour.Low), Percent(d.PerHour.High), Plural(d.PerHour.N, "launch"))
	}
	if len(d.Stays) == 0 {
		return text + "; at no sentinel was the level another than at first, beyond the noise"
	}
	for _, s := range d.Stays {
		text += fmt.Sprintf("; %s for a time, seen at %s", Percent(s.Ratio.Value), Plural(s.Ratio.N, "sentinel"))
	}
	return text
}
