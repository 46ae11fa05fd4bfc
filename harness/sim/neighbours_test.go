package sim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Servers of one parent slow each other down by --sim-interference, while they live.
func TestNeighboursInterfere(t *testing.T) {
	first := start(t, "--sim-interference", "3")
	took := func() time.Duration {
		began := time.Now()
		r, err := http.Post(first.url+"/generate", "application/json", strings.NewReader(`{"text":"a","sampling_params":{"max_new_tokens":20,"ignore_eos":true}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return time.Since(began)
	}
	// The best of some, since this machine has other work too.
	best := func() time.Duration {
		least := took()
		for range 4 {
			least = min(least, took())
		}
		return least
	}
	until := func(what string, ok func(time.Duration) bool) time.Duration {
		var last time.Duration
		for range 20 {
			if last = best(); ok(last) {
				return last
			}
		}
		t.Fatalf("%s: %v", what, last)
		return last
	}
	alone := best()
	second := start(t, "--sim-interference", "3")
	beside := until("a neighbour changes nothing", func(d time.Duration) bool { return d > 2*alone })
	second.stop()
	until("a neighbour that is gone slows on", func(d time.Duration) bool { return d < beside/2 })
}

func TestVisibleDevices(t *testing.T) {
	for _, tt := range []struct {
		list string
		want int
	}{{"", 8}, {"SIM-3", 1}, {"SIM-0,SIM-7", 2}, {"0,1", 8}, {"GPU-1", 8}} {
		if got := visible(8, tt.list); got != tt.want {
			t.Errorf("CUDA_VISIBLE_DEVICES=%s: %d of 8 devices, want %d", tt.list, got, tt.want)
		}
	}
}
