package sim

import "math"

// lagSec is the latency of a small collective over n GPUs.
func (s *setup) lagSec(n int) float64 {
	lag := s.gpu.linkLagSec * (0.6 + 0.4*math.Log2(float64(n)))
	if !s.customAllReduce {
		lag *= 2.6 // NCCL's rings instead of one kernel over peer memory
	}
	return lag
}

// allReduceSec is the time of one all-reduce of a volume in bytes over n GPUs:
// latency, and 2(n-1)/n of the volume over each link (the bound of a ring).
func (s *setup) allReduceSec(bytes float64, n int) float64 {
	if n == 1 {
		return 0
	}
	share := 2 * float64(n-1) / float64(n)
	return s.lagSec(n) + share*bytes/(s.gpu.link*linkPeak)
}

// commSec is the time that the GPUs of one stage exchange data in one step: two
// all-reduces a layer, after attention and after the feed-forward block. With
// attention split over replicas the second is a gather and a scatter of all
// replicas' tokens; with an all-to-all backend experts receive only their tokens.
func (s *setup) commSec(tokens float64) float64 {
	if s.tp == 1 || tokens == 0 {
		return 0
	}
	layers := float64(s.stageLayers())
	bytes := tokens * float64(s.model.hidden) * 2
	perLayer := s.allReduceSec(bytes, s.attnShards())
	switch {
	case s.moeAllToAll:
		share := float64(s.tp-1) / float64(s.tp)
		perLayer += 2 * (1.5*s.lagSec(s.tp) + share*bytes*float64(s.model.topK)/float64(s.tp)/(s.gpu.link*linkPeak))
	case s.dpAttention:
		perLayer += s.allReduceSec(bytes*float64(s.dp), s.tp) + s.lagSec(s.tp)
	default:
		perLayer += s.allReduceSec(bytes, s.tp)
	}
	return layers * perLayer
}

// hopSec is the time to hand one stage's result to the next.
func (s *setup) hopSec(w work) float64 {
	bytes := float64(w.promptTokens+w.decodeTokens) * float64(s.model.hidden) * 2 / float64(s.tp)
	return 25e-6 + bytes/(s.gpu.link*linkPeak)
}
