package sim

import (
	"net/http"
	"time"
)

// What a GPU draws, as shares of what lies between its idle draw and its limit. A
// judgement: prompts load the tensor cores and come near the limit; decoding waits for
// memory, and less so the more sequences share a read of the weights.
const (
	promptLoad     = 0.95
	decodeLoad     = 0.45
	decodeMoreLoad = 0.35 // of decodeFull sequences and more
	decodeFull     = 128
)

// power counts what each GPU of a replica has drawn. All draw the same: they take part
// in each step together.
type power struct {
	joules float64       // of all steps so far, above the idle draw
	busy   time.Duration // in steps
	watts  float64       // of the last step, above the idle draw
	until  time.Duration // its end
}

// step counts a step that begins at now.
func (p *power) step(g gpu, now, length time.Duration, prompts bool, decoding int) {
	load := decodeLoad + decodeMoreLoad*min(1, float64(decoding)/decodeFull)
	if prompts {
		load = promptLoad
	}
	p.watts, p.until = load*(g.limitW-g.idleW), now+length
	p.joules += p.watts * length.Seconds()
	p.busy += length
}

// at is the draw at a time, and what was drawn and how long the GPU was busy up to it.
func (p *power) at(g gpu, now time.Duration) (watts, joules float64, busy time.Duration) {
	left := max(0, p.until-now)
	if left > 0 {
		watts = p.watts
	}
	return g.idleW + watts, g.idleW*now.Seconds() + p.joules - p.watts*left.Seconds(), p.busy - left
}

// simulatedGPUs tells what each GPU does, as the harness reads real ones: names and
// units are those of its samples. Busy time is told as a counter, and as a
// utilisation since the last question.
func (h *server) simulatedGPUs(w http.ResponseWriter, r *http.Request) {
	var said []map[string]float64
	alive := h.clock.ask(r.Context(), func(m *machine, now time.Duration) { said = m.gpuStates(now) })
	if !alive {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, http.StatusOK, said)
}

// gpuStates is the state of each GPU, replica by replica.
func (m *machine) gpuStates(now time.Duration) []map[string]float64 {
	var said []map[string]float64
	g := m.s.gpu
	each := max(1, m.s.gpusNeeded()/len(m.replicas))
	for _, r := range m.replicas {
		watts, joules, busy := r.power.at(g, now)
		utilization := 0.0
		if span := now - r.asked; span > 0 {
			utilization = min(1, max(0, (busy-r.askedBusy).Seconds()/span.Seconds()))
		}
		r.asked, r.askedBusy = now, busy
		state := map[string]float64{
			"power_w": watts, "energy_j": joules, "utilization": utilization,
			"memory_bytes":     (float64(g.memMiB) - m.s.mem.dynamicMiB) * (1 << 20),
			"temperature_c":    coolC + (hotC-coolC)*(watts-g.idleW)/(g.limitW-g.idleW),
			"throttle_reasons": 0,
		}
		for range each {
			said = append(said, state)
		}
	}
	return said
}

// How warm a GPU is without load, and at its limit: round figures.
const (
	coolC = 30
	hotC  = 70
)
