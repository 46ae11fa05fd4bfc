package sim

import (
	"math/rand/v2"
	"strings"
	"testing"

	"harness/space"
)

// sample draws command lines uniformly from a built-in lattice on eight simulated GPUs.
func sample(t testing.TB, name, gpu, model string, n int) [][]string {
	t.Helper()
	spec, err := space.Load(map[string]string{"sglang18": "/work/shared/facts/space/space_sglang18.yaml"}[name])
	if err != nil {
		t.Fatal(err)
	}
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

// outcome is how a command line fares: "" when it serves, else what stops it.
func outcome(t testing.TB, seed uint64, args []string) (string, *setup) {
	t.Helper()
	f, err := parseFlags(args)
	if err != nil {
		return "flag: " + err.Error(), nil
	}
	o, err := readOptions(f)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := findModel(f.str("sim_model", defaultModel))
	if err := checkShape(m, f); err != nil {
		return "shape", nil
	}
	if err := o.checkRules(m); err != nil {
		return "rule", nil
	}
	s := resolve(o.gpu, m, o.devices, f)
	for _, p := range startPhases(s, s.memorySpread(seed)) {
		if p.failed != "" {
			return p.failed[:min(60, len(p.failed))], s
		}
	}
	return "", s
}

func TestTable(t *testing.T) {
	for _, c := range [][2]string{{"H100", "llama-3.1-8b"}, {"H100", "llama-3.1-70b"}, {"H100", "qwen3-30b-a3b"}, {"A100", "llama-3.1-8b"}, {"B200", "llama-3.1-8b"}, {"L4", "llama-3.1-8b"}} {
		counts := map[string]int{}
		for i, args := range sample(t, "sglang18", c[0], c[1], 400) {
			why, s := outcome(t, 3, append(args, "--sim-rules", "none"))
			if s != nil && why == "" {
				r := load{16, 16 * 6, 512, 64, false}.run(newMachine(s, 3, faults{slow: 1}))
				if r.death != "" {
					why = "serving " + r.death[:40]
				}
				if i < 20 && c[1] == "llama-3.1-8b" && c[0] == "H100" {
					t.Logf("%7.1f %6.0f %s %s", r.ttftP50*1e3, r.outputTPS, why, strings.Join(args, " "))
				}
			}
			counts[why]++
		}
		t.Log(c, counts)
	}
}
