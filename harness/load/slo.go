package load

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An SLO is what a request must keep to be a good one. A limit of 0 is none. TPOT
// holds for answers of one token, which have none.
type SLO struct {
	TTFTSeconds float64 `json:"ttft_s,omitempty"`
	TPOTSeconds float64 `json:"tpot_s,omitempty"`
	E2ESeconds  float64 `json:"e2e_s,omitempty"`

	// Share of the requests that must be good, failed ones counted as not, for the
	// SLO to be met; 0 is DefaultShare.
	Share float64 `json:"share,omitempty"`
}

// DefaultShare makes a limit one of the 99th percentile.
const DefaultShare = 0.99

// ParseSLO reads limits such as ttft=0.5s,tpot=50ms,e2e=10s,share=0.95.
func ParseSLO(text string) (SLO, error) {
	var s SLO
	limits := map[string]*float64{"ttft": &s.TTFTSeconds, "tpot": &s.TPOTSeconds, "e2e": &s.E2ESeconds}
	for _, part := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		into, known := limits[name]
		switch {
		case name == "share":
			v, err := strconv.ParseFloat(value, 64)
			if err != nil || !(v > 0 && v <= 1) {
				return SLO{}, fmt.Errorf("slo %q: share %q must be more than 0 and at most 1", text, value)
			}
			s.Share = v
		case !known:
			return SLO{}, fmt.Errorf("slo %q: %q is none of ttft, tpot, e2e and share: write ttft=0.5s,tpot=50ms", text, name)
		case *into != 0:
			return SLO{}, fmt.Errorf("slo %q: %s is given twice", text, name)
		default:
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return SLO{}, fmt.Errorf("slo %q: %s=%q is no time: write %s=500ms", text, name, value, name)
			}
			*into = d.Seconds()
		}
	}
	if !s.Limits() {
		return SLO{}, fmt.Errorf("slo %q: no limit: write ttft=0.5s,tpot=50ms,e2e=10s or some of these", text)
	}
	return s, nil
}

// Limits reports whether there is any.
func (s SLO) Limits() bool { return s.TTFTSeconds > 0 || s.TPOTSeconds > 0 || s.E2ESeconds > 0 }

// met reports whether one request kept the limits.
func (s SLO) met(ttft, tpot, e2e float64) bool {
	within := func(v, limit float64) bool { return limit == 0 || v <= limit }
	return within(ttft, s.TTFTSeconds) && within(tpot, s.TPOTSeconds) && within(e2e, s.E2ESeconds)
}

// Met reports whether enough of the requests were good.
func (s SLO) Met(good, requests int) bool {
	share := s.Share
	if share == 0 {
		share = DefaultShare
	}
	return requests > 0 && float64(good) >= share*float64(requests)
}

// String is the limits as ParseSLO reads them.
func (s SLO) String() string {
	var parts []string
	for _, l := range []struct {
		name string
		v    float64
	}{{"ttft", s.TTFTSeconds}, {"tpot", s.TPOTSeconds}, {"e2e", s.E2ESeconds}} {
		if l.v > 0 {
			parts = append(parts, fmt.Sprintf("%s=%v", l.name, time.Duration(l.v*float64(time.Second)).Round(time.Microsecond)))
		}
	}
	if s.Share > 0 {
		parts = append(parts, fmt.Sprintf("share=%v", s.Share))
	}
	return strings.Join(parts, ",")
}
