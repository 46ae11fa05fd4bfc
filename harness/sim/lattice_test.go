package sim

import (
	"math/rand/v2"
	"slices"
	"testing"

	"harness/space"
)

func loadSpec(t testing.TB, name string) *space.Spec {
	t.Helper()
	spec, err := space.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// sample draws command lines uniformly from a built-in lattice on eight simulated GPUs.
func sample(t testing.TB, name, gpu, model string, n int) [][]string {
	t.Helper()
	spec := loadSpec(t, name)
	facts, err := Facts(gpu, model)
	if err != nil {
		t.Fatal(err)
	}
	facts["device_num"], facts["tokens_per_request"], facts["target_concurrency"] = space.Int(8), space.Int(576), space.Int(16)
	lattice, err := spec.Compile(space.Options{Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var lines [][]string
	var p space.Point
	for range n {
		p = lattice.Unrank(lattice.Sample(rng), p)
		lines = append(lines, append(lattice.Args(p), "--sim-gpu", gpu, "--sim-model", model))
	}
	return lines
}

// try starts a command line and serves a load in virtual time. It tells what
// stops it: "" when nothing does, rule when it is refused, memory when it dies.
func try(t testing.TB, rules *space.Spec, l load, args []string) (result, string) {
	t.Helper()
	const seed = 3
	f, err := parseFlags(append(args, "--sim-rules", "none"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := readOptions(f)
	if err != nil {
		t.Fatal(err)
	}
	o.rules = rules // read once for all
	m, err := findModel(f.str("sim_model", defaultModel))
	if err != nil {
		t.Fatal(err)
	}
	if checkShape(m, f) != nil || o.checkRules(m) != nil {
		return result{}, "rule"
	}
	s := resolve(o.gpu, m, o.devices, f)
	for _, p := range startPhases(s, s.memorySpread(seed)) {
		if p.failed != "" {
			return result{}, "memory"
		}
	}
	r := l.run(newMachine(s, seed, faults{slow: 1}))
	if r.death != "" {
		return r, "memory"
	}
	return r, ""
}

// Of the members of the sglang lattice a few in a hundred fail, by memory and
// never by a rule, and what they do is worth a search: the best differ from the
// typical, and no one is best at everything.
func TestLatticeIsWorthASearch(t *testing.T) {
	if testing.Short() {
		t.Skip("runs 120 configurations")
	}
	l := load{concurrency: 16, requests: 32, prompt: 512, output: 64}
	var ran []result
	failed := 0
	lines := sample(t, "sglang", "H100", "llama-3.1-8b", 120)
	rules := loadSpec(t, "sglang")
	for _, args := range lines {
		r, why := try(t, rules, l, args)
		switch why {
		case "":
			ran = append(ran, r)
		case "memory":
			failed++
		default:
			t.Errorf("%v: stopped by a %s", args, why)
		}
	}
	if share := float64(failed) / float64(len(lines)); share < 0.01 || share > 0.12 {
		t.Errorf("%.1f %% of the lattice fail, want 1 to 12", 100*share)
	}
	tps := func(r result) float64 { return r.outputTPS }
	ttft := func(r result) float64 { return r.ttftP50 }
	if q := quantile(ran, tps, 1) / quantile(ran, tps, 0.5); q < 1.5 {
		t.Errorf("the most tokens/s are %.2f times the median", q)
	}
	if q := quantile(ran, ttft, 0.5) / quantile(ran, ttft, 0); q < 1.5 {
		t.Errorf("the median TTFT is %.2f times the least", q)
	}
	front := 0
	for _, a := range ran {
		if !slices.ContainsFunc(ran, func(b result) bool { return b.ttftP50 < a.ttftP50 && b.outputTPS > a.outputTPS }) {
			front++
		}
	}
	if front < 4 {
		t.Errorf("%d configurations on the front of TTFT and tokens/s, want 4 or more", front)
	}
}

func quantile(of []result, by func(result) float64, q float64) float64 {
	var x []float64
	for _, r := range of {
		x = append(x, by(r))
	}
	slices.Sort(x)
	return x[int(q*float64(len(x)-1))]
}

// Most of the classic space is refused by what the real server checks: two-batch
// overlap without experts above all.
func TestClassicSpaceMeetsRealRules(t *testing.T) {
	l := load{concurrency: 1, requests: 1, prompt: 8, output: 1}
	refused, n := 0, 100
	rules := loadSpec(t, "sglang")
	for _, args := range sample(t, "sglang18", "H100", "llama-3.1-8b", n) {
		if _, why := try(t, rules, l, args); why == "rule" {
			refused++
		}
	}
	// 42 % by an independent count over the same space, all causes together.
	if share := float64(refused) / float64(n); share < 0.3 || share > 0.5 {
		t.Errorf("%.0f %% are refused, want 30 to 50", 100*share)
	}
}
