package sim

import (
	"strconv"
	"testing"
)

// What a whole server does under load, in virtual time and without noise.

func TestLargerBatchesTradeLatencyForThroughput(t *testing.T) {
	var before result
	for i, c := range []int{1, 4, 16, 64} {
		r := measure(t, load{concurrency: c, requests: 4 * c, prompt: 256, output: 64})
		if i > 0 && !(r.outputTPS > before.outputTPS && r.tpot > before.tpot) {
			t.Errorf("concurrency %d: %.0f tokens/s, %.2f ms a token; before %.0f and %.2f", c, r.outputTPS, r.tpot*1e3, before.outputTPS, before.tpot*1e3)
		}
		before = r
	}
}

// Smaller pieces of long prompts hold the decodes of others up for less time; the
// prompt itself takes longer, because each piece has its own overhead.
func TestChunksTradeTTFTForITL(t *testing.T) {
	var before, beforeAlone result
	for i, chunk := range []int{8192, 2048, 512} {
		args := []string{"--tp-size", "4", "--enable-mixed-chunk", "--chunked-prefill-size", strconv.Itoa(chunk)}
		r := measure(t, load{concurrency: 8, requests: 48, prompt: 6000, output: 50}, args...)
		alone := measure(t, load{concurrency: 1, requests: 3, prompt: 6000, output: 2}, args...)
		if i > 0 && !(r.itlMax < before.itlMax && alone.ttftP50 > beforeAlone.ttftP50) {
			t.Errorf("chunk %d: longest gap %.1f ms, TTFT alone %.1f ms; before %.1f and %.1f", chunk, r.itlMax*1e3, alone.ttftP50*1e3, before.itlMax*1e3, beforeAlone.ttftP50*1e3)
		}
		before, beforeAlone = r, alone
	}
}

// One request is served best by splitting the model, many by copies of it.
func TestTensorAgainstDataParallelism(t *testing.T) {
	split, copies := []string{"--tp-size", "8"}, []string{"--dp-size", "8"}
	one := load{concurrency: 1, requests: 4, prompt: 512, output: 64}
	if a, b := measure(t, one, split...), measure(t, one, copies...); !(a.ttftP50 < b.ttftP50 && a.tpot < b.tpot) {
		t.Errorf("alone: tp TTFT %.1f ms TPOT %.2f ms, dp %.1f and %.2f", a.ttftP50*1e3, a.tpot*1e3, b.ttftP50*1e3, b.tpot*1e3)
	}
	many := load{concurrency: 256, requests: 512, prompt: 512, output: 64}
	if a, b := measure(t, many, split...), measure(t, many, copies...); !(b.outputTPS > 1.2*a.outputTPS) {
		t.Errorf("many: tp %.0f tokens/s, dp %.0f", a.outputTPS, b.outputTPS)
	}
}

// A frontend of one process cannot stream what eight replicas say; sixteen get into each other's way.
func TestTokenizerWorkersHaveAnOptimum(t *testing.T) {
	l := load{concurrency: 256, requests: 512, prompt: 64, output: 64}
	tps := func(workers int) float64 {
		return measure(t, l, "--dp-size", "8", "--tokenizer-worker-num", strconv.Itoa(workers)).outputTPS
	}
	one, four := tps(1), tps(4)
	if !(four > 1.3*one) {
		t.Errorf("%.0f tokens/s with one worker, %.0f with four", one, four)
	}
	alone := load{concurrency: 1, requests: 4, prompt: 64, output: 8}
	few := measure(t, alone, "--tokenizer-worker-num", "1").ttftP50
	many := measure(t, alone, "--tokenizer-worker-num", "16").ttftP50
	if !(many > few) {
		t.Errorf("TTFT of a single request: %.3f ms with one worker, %.3f with 16", few*1e3, many*1e3)
	}
}

func TestRunningLimitQueues(t *testing.T) {
	l := load{concurrency: 32, requests: 96, prompt: 128, output: 32}
	wide, narrow := measure(t, l), measure(t, l, "--max-running-requests", "4")
	if !(narrow.ttftP50 > 2*wide.ttftP50 && narrow.outputTPS < wide.outputTPS) {
		t.Errorf("TTFT %.1f ms of all, %.1f ms of four at a time", wide.ttftP50*1e3, narrow.ttftP50*1e3)
	}
}

func TestSpeculationSpeedsUpAFewAndNotMany(t *testing.T) {
	gain := func(c int) float64 {
		l := load{concurrency: c, requests: 2 * c, prompt: 64, output: 64}
		return measure(t, l, "--speculative-algorithm", "EAGLE3", "--speculative-draft-model-path", "x", "--max-running-requests", "512").outputTPS / measure(t, l).outputTPS
	}
	if one, many := gain(1), gain(256); !(one > 1.5 && many < one) {
		t.Errorf("gain %.2f alone, %.2f among 256", one, many)
	}
}

func TestStreamIntervalChangesEventsNotTokens(t *testing.T) {
	l := load{concurrency: 4, requests: 8, prompt: 64, output: 33}
	every, fourth := measure(t, l), measure(t, l, "--stream-interval", "4")
	if !(fourth.itlMax > 2*every.itlMax) || fourth.outputTPS < 0.9*every.outputTPS {
		t.Errorf("gaps %.1f and %.1f ms, %.0f and %.0f tokens/s", every.itlMax*1e3, fourth.itlMax*1e3, every.outputTPS, fourth.outputTPS)
	}
}

func TestSameSeedSameRun(t *testing.T) {
	l := load{concurrency: 8, requests: 32, prompt: 128, output: 16}
	run := func(seed uint64) result {
		s := setupOf(t, "--sim-rules", "none", "--dp-size", "2", "--schedule-policy", "random")
		return l.run(newMachine(s, seed, faults{slow: 1}))
	}
	if a, b := run(1), run(1); a != b {
		t.Errorf("the same seed gives %+v and %+v", a, b)
	}
	a, b := run(1), run(2)
	if ratio := a.outputTPS / b.outputTPS; a == b || ratio < 0.9 || ratio > 1.1 {
		t.Errorf("two seeds give %+v and %+v", a, b)
	}
}

func TestSlowIsSlow(t *testing.T) {
	s := setupOf(t, "--sim-rules", "none")
	l := load{concurrency: 1, requests: 2, prompt: 64, output: 32}
	fast, slow := l.run(newMachine(s, noNoise, faults{slow: 1})), l.run(newMachine(s, noNoise, faults{slow: 4}))
	if ratio := slow.tpot / fast.tpot; ratio < 3.9 || ratio > 4.1 {
		t.Errorf("slow:4 makes a token take %.2f times as long", ratio)
	}
}
