package search

import (
	"math"
	"strings"
	"testing"

	"harness/space"
)

// hardSpec is lattice (b) of the project's notes on search spaces: 18 parameters
// under rules that leave 2.9 % of their product valid.
const hardSpec = `
schema: 1
engine: sglang
parameters:
  - {name: tp, flag: --tp, kind: ordinal, values: [1,2,4,8], default: 1, impact: 1}
  - {name: pp, flag: --pp, kind: ordinal, values: [1,2,4,8], default: 1, impact: 2}
  - {name: dp, flag: --dp, kind: ordinal, values: [1,2,4,8], default: 1}
  - {name: ep, flag: --ep, kind: ordinal, values: [1,2,4,8], default: 1}
  - {name: max_prefill, flag: --max-prefill, kind: ordinal, values: [512,1024,2048,4096,8192,16384], default: 16384}
  - {name: chunk, flag: --chunk, kind: ordinal, values: [256,512,1024,2048,4096,8192], default: 8192}
  - {name: max_running, flag: --max-running, kind: ordinal, values: [16,32,64,128,256,512,1024], default: 256}
  - {name: mem, flag: --mem, kind: ordinal, values: [80,85,90,95], default: 90}
  - {name: kv, flag: --kv, kind: categorical, values: [0,1,2], default: 0}
  - {name: prefix, flag: --prefix, kind: bool, values: [false,true], default: true}
  - {name: attn, flag: --attn, kind: categorical, values: [0,1,2,3], default: 0}
  - {name: quant, flag: --quant, kind: categorical, values: [0,1,2,3], default: 1}
  - {name: sched, flag: --sched, kind: categorical, values: [0,1,2,3], default: 0}
  - {name: spec, flag: --spec, kind: categorical, values: [0,1,2,3], default: 0}
  - {name: spec_tokens, flag: --spec-tokens, kind: ordinal, values: [0,1,2,4,8], default: 0}
  - {name: graph_bs, flag: --graph-bs, kind: ordinal, values: [0,8,32,128,256], default: 128}
  - {name: compile, flag: --compile, kind: bool, values: [false,true], default: false}
  - {name: page, flag: --page, kind: ordinal, values: [1,16,32,64], default: 16}
constraints:
  - {id: devices, class: hard, expr: "tp*pp*dp <= 8"}
  - {id: experts, class: hard, expr: "(tp*dp) % ep == 0"}
  - {id: chunk_fits, class: hard, expr: "chunk <= max_prefill"}
  - {id: spec_both, class: hard, expr: "(spec == 0) == (spec_tokens == 0)"}
  - {id: attn3_kv2, class: hard, expr: "not (attn == 3 and kv == 2)"}
  - {id: graph_fits, class: hard, expr: "graph_bs <= max_running"}
  - {id: attn1_page, class: hard, expr: "not (attn == 1 and page < 16)"}
  - {id: compile_graph, class: hard, expr: "not (compile and graph_bs == 0)"}
  - {id: quant_tp, class: hard, expr: "not (quant == 0 and tp < 2)"}
  - {id: mem_graph, class: hard, expr: "not (mem == 95 and graph_bs == 256)"}
  - {id: spec_pp, class: hard, expr: "not (spec != 0 and pp > 1)"}
`

// smallSpec has 4 * 5 * 5 * 3 * 2 = 600 points, of which 442 are valid.
const smallSpec = `
schema: 1
engine: sglang
parameters:
  - {name: batch, flag: --batch, kind: ordinal, values: [8,16,32,64,128], default: 8, impact: 2}
  - {name: devices, flag: --devices, kind: ordinal, values: [1,2,4,8], default: 1, impact: 1}
  - {name: chunk, flag: --chunk, kind: ordinal, values: [1,2,3,4,5], default: 1}
  - {name: backend, flag: --backend, kind: categorical, values: [a,b,c], default: a}
  - {name: compile, flag: --compile, kind: bool, values: [false,true], default: false}
constraints:
  - {id: fits, class: hard, expr: "batch <= 32 * devices"}
  - {id: backend_c, class: hard, expr: "not (backend == 'c' and chunk > 3)"}
`

// pairSpec has 3 valid configurations of 4.
const pairSpec = `
schema: 1
engine: sglang
parameters:
  - {name: a, flag: --a, kind: bool, values: [false,true], default: false}
  - {name: b, flag: --b, kind: bool, values: [false,true], default: false}
constraints:
  - {id: not_both, class: hard, expr: "not (a and b)"}
`

// oneSpec has one configuration and nothing to choose.
const oneSpec = `
schema: 1
engine: sglang
parameters:
  - {name: a, flag: --a, kind: ordinal, values: [1], default: 1}
`

// quality is for tests of how well the search does. The race detector makes them slow, and
// the goroutines that they run others run too: scripts/test runs them without it.
func quality(t testing.TB) {
	t.Helper()
	if raceDetector {
		t.Skip("run without the race detector")
	}
}

func newLattice(t testing.TB, yaml string) *space.Lattice {
	t.Helper()
	spec, err := space.Parse("test.yaml", []byte(strings.TrimSpace(yaml)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := spec.Compile(space.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// sglang18 is the classic space for a number of devices.
func sglang18(t testing.TB, devices int64) *space.Lattice {
	t.Helper()
	spec, err := space.Load("sglang18")
	if err != nil {
		t.Fatal(err)
	}
	l, err := spec.Compile(space.Options{Facts: map[string]space.Value{"device_num": space.Int(devices)}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newSearcher(t testing.TB, l *space.Lattice, o Options) *Searcher {
	t.Helper()
	s, err := New(l, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value is the number that a configuration gives a parameter.
func value(l *space.Lattice, p space.Point, name string) float64 {
	for i, param := range l.Params() {
		if param.Name == name {
			x, _ := param.Values[p[i]].AsFloat()
			return x
		}
	}
	panic("no parameter " + name)
}

// serving is an imagined server on smallSpec: larger batches and more devices
// give more tokens per second and a later first token, chunks trade one for the
// other, with an optimum that depends on the backend, and compiling helps both.
func serving(l *space.Lattice, r space.Rank) Outcome {
	p := l.Unrank(r, nil)
	batch, devices, chunk := math.Log2(value(l, p, "batch")), math.Log2(value(l, p, "devices")), value(l, p, "chunk")
	backend := float64(p[3])
	best := 2 + backend
	ttft := 0.2*batch - 0.1*devices + 0.15*chunk + 0.1*backend
	tps := 0.5*batch + 0.2*devices - 0.2*(chunk-best)*(chunk-best) + 0.1*backend
	if p[4] == 1 {
		ttft -= 0.3
		tps += 0.2
	}
	return measured(math.Exp(ttft), math.Exp(tps))
}

// measured is the outcome of one load point.
func measured(ttft, tps float64) Outcome {
	return Outcome{Points: []Point{{TTFT: ttft, TPS: tps}}, CostSeconds: 60}
}

// layered is an imagined server on hardSpec: some parameters matter much, others
// hardly, and one in ten configurations fails.
func layered(l *space.Lattice, r space.Rank) Outcome {
	p := l.Unrank(r, nil)
	ttft, tps := 0.0, 0.0
	for i, v := range p {
		x := float64(v) / float64(max(1, len(l.Params()[i].Values)-1))
		weight := 2 / float64(1+i)
		ttft += weight * x
		tps += weight * (x - 0.3*x*x)
	}
	if p[0] == 3 && p[7] == 1 {
		return Outcome{Failure: "oom_load"}
	}
	return measured(math.Exp(ttft), math.Exp(tps))
}
