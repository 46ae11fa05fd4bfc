package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/harness/engine"
	"harness/harness/study"
	"harness/results"
	"harness/results/export"
	"harness/results/report"
	"harness/space"
)

// place is where a deployment listens, and in which image.
type place struct {
	host  string
	port  int    // 0: the engine's own
	image string // "": the engine's own
}

func placeOf(c *cli.Context) place {
	return place{host: c.String("host"), port: c.Int("port"), image: c.String("image")}
}

// containerHost lets a container's port be reached from outside of it.
const containerHost = "0.0.0.0"

// deploymentOf is the server of a measured config, with the flags that it was measured
// with and without what only a study needs.
func deploymentOf(s *study.Study, t results.Trial, at place) (export.Deployment, error) {
	rank, err := space.ParseRank(t.Rank)
	if err != nil {
		return export.Deployment{}, fmt.Errorf("trial %s: %w", t.TrialID, err)
	}
	server, launch := s.Lock.Launch.Server, s.Lock.Launch
	flags := s.Lattice.Args(s.Lattice.Unrank(rank, nil))
	d := export.Deployment{
		Name: label(s.Lock.Engine + "-" + t.TrialID), Host: at.host, Port: cmp.Or(at.port, server.Deploy.Port, 8000),
		Unset: server.UnsetEnv, Ready: server.Ready.Path, Start: server.StartTimeoutS, Stop: server.StopGraceS,
		GPUs: gpusOf(t, server.NeedsGPU),
	}
	d.Argv = masked(launch.Serve(flags, at.host, d.Port))
	if len(server.Deploy.Config) > 0 {
		extra := server.Argv[min(len(s.Spec.Server.Argv), len(server.Argv)):] // --server-arg
		d.ConfigUse = strings.NewReplacer("{bin}", server.Deploy.Bin, "{config}", d.Name+".yaml").Replace(strings.Join(server.Deploy.Config, " "))
		d.Config = append([]export.Setting{{Name: server.Deploy.ConfigModel, Value: launch.Model}, {Name: "host", Value: at.host}, {Name: "port", Value: d.Port}},
			export.Settings(masked(append(slices.Clone(extra), flags...)))...)
	}
	d.Image = cmp.Or(at.image, image(server.Deploy, s.Lock.EngineVersion, d.GPUs > 0))
	inside := launch
	inside.Bin = server.Deploy.Bin
	d.Mount, inside.Model = mountOf(launch.Model, server.NeedsModel)
	d.Container = masked(inside.Serve(flags, containerHost, d.Port))
	return d, nil
}

// gpusOf is how many GPUs a trial's server had.
func gpusOf(t results.Trial, needed bool) int {
	if needed {
		return max(1, len(t.GPUs))
	}
	return len(t.GPUs)
}

// image is the engine's own container image of a version; "" where none is known.
func image(d space.Deploy, version string, gpu bool) string {
	name := d.ImageCPU
	if gpu || name == "" {
		name = d.Image
	}
	m := regexp.MustCompile(d.Version).FindStringSubmatch(version)
	if name == "" || len(m) < 2 {
		return ""
	}
	return strings.ReplaceAll(name, "{version}", m[1])
}

// mountOf is how a container finds the model, and its name there.
func mountOf(model string, needed bool) (export.Mount, string) {
	if !needed || model == "" {
		return export.Mount{}, model
	}
	info, err := os.Stat(model)
	switch {
	case err == nil && info.IsDir():
		return export.Mount{From: model, To: "/model"}, "/model"
	case err == nil || filepath.IsAbs(model):
		return export.Mount{From: filepath.Dir(model), To: "/model"}, "/model/" + filepath.Base(model)
	}
	cache := os.Getenv("HF_HOME")
	if home, err := os.UserHomeDir(); cache == "" && err == nil {
		cache = filepath.Join(home, ".cache", "huggingface")
	}
	return export.Mount{From: cache, To: "/root/.cache/huggingface", Cache: true}, model
}

// masked turns arguments into words: the values of secret flags are taken from the
// environment variable of the flag's name.
func masked(argv []string) []export.Word {
	words := make([]export.Word, len(argv))
	for i, a := range argv {
		words[i].Text = a
	}
	for i, a := range argv {
		name, _, joined := strings.Cut(a, "=")
		if !strings.HasPrefix(a, "-") || !engine.IsSecret(name) {
			continue
		}
		variable := strings.ToUpper(strings.ReplaceAll(strings.TrimLeft(name, "-"), "-", "_"))
		switch {
		case joined:
			words[i] = export.Word{Text: name + "=", Secret: variable}
		case i+1 < len(words):
			words[i+1] = export.Word{Secret: variable}
		}
	}
	return words
}

var notLabel = regexp.MustCompile(`[^a-z0-9-]+`)

// label makes a DNS label (RFC 1123), as names of containers and manifests are.
func label(text string) string {
	return strings.Trim(notLabel.ReplaceAllString(strings.ToLower(text), "-"), "-")
}

// provenance are the lines that say where an export comes from.
func (a *app) provenance(s *study.Study, row report.Row, why string) []string {
	notes := []string{fmt.Sprintf("harness export: study %s, trial %s at %s: %s", s.Lock.ID, row.TrialID, row.LoadPoint, why)}
	if s.Lock.Simulated {
		notes = append(notes, simulatedLine)
	}
	notes = append(notes,
		fmt.Sprintf("%s %s, model %s", s.Lock.Engine, s.Lock.EngineVersion, s.Lock.Launch.Model),
		fmt.Sprintf("TTFT p50 %s %s, output tokens/s %s %s (median of %s, 95 %% interval)", report.Duration(row.TTFT.Value), report.Interval(row.TTFT.Interval, report.Duration),
			report.Number(row.TPS.Value), report.Interval(row.TPS.Interval, report.Number), report.Plural(row.TTFT.N, "run")),
		"config: "+report.Difference(row.Params, s.Default()))
	var env []string
	for name, value := range s.Lock.Launch.Server.Env {
		env = append(env, name+"="+value)
	}
	if slices.Sort(env); len(env) > 0 {
		notes = append(notes, "measured with "+strings.Join(env, " ")+", which only measuring needs, and is left out here")
	}
	return notes
}

// pointsOf are a study's points as a table, its failures too where all is wanted.
func pointsOf(s *study.Study, state study.State, front report.Front, all bool) export.Points {
	p := export.Points{Study: s.Lock.ID, Engine: s.Lock.Engine, Version: s.Lock.EngineVersion, Model: s.Lock.Launch.Model, Simulated: s.Lock.Simulated}
	for _, o := range front.Aim.Objectives {
		p.Objectives = append(p.Objectives, export.Objective{Name: o.Name, Higher: o.Higher})
	}
	domains := s.Domains()
	for _, d := range domains {
		p.Params = append(p.Params, export.Param{Name: d.Name, Values: d.Values})
	}
	byID := map[string]results.Trial{}
	for _, t := range state.Trials {
		byID[t.TrialID] = t
	}
	for _, r := range front.Rows {
		t := byID[r.TrialID]
		p.Rows = append(p.Rows, export.Point{TrialID: r.TrialID, ConfigID: r.ConfigID, Load: r.LoadPoint, Config: valuesIn(domains, r.Params),
			Values: []float64{r.Values[0].Value, r.Values[1].Value}, CI: [][2]float64{{r.Values[0].Low, r.Values[0].High}, {r.Values[1].Low, r.Values[1].High}},
			Runs: r.TTFT.N, OnFront: r.OnFront, PFront: r.PFront, Started: t.StartedAt, Seconds: t.TotalSeconds})
	}
	for _, t := range state.Trials {
		if all && t.Outcome == results.Failed {
			p.Rows = append(p.Rows, export.Point{TrialID: t.TrialID, ConfigID: t.ConfigID, Failure: t.FailureClass, Config: valuesIn(domains, t.Params),
				Started: t.StartedAt, Seconds: t.TotalSeconds})
		}
	}
	return p
}

// valuesIn are the values of a config in the order of the domains.
func valuesIn(domains []study.Domain, params []results.Param) []any {
	values := make([]any, len(domains))
	for i, d := range domains {
		if k := slices.IndexFunc(params, func(p results.Param) bool { return p.Name == d.Name }); k >= 0 {
			values[i] = params[k].Value
		}
	}
	return values
}
