package load

import (
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	quiet := Client{Stamps: "kernel", ErrorP99Seconds: 40e-6, CanaryP99Seconds: 0.001, Canaries: 100, LagMeanSeconds: 0.0001, LagP99Seconds: 0.0005, Chunks: 1000,
		GCPauseMaxSeconds: 1e-4, CPUShare: 0.2, WaitShare: 0.001, StealShare: 0.001, RateRatio: 1, MeanGapSeconds: 0.01}
	usual := medians{itl: 0.02, ttft: 0.2, e2e: 3}
	for _, tt := range []struct {
		name        string
		change      func(*Client)
		m           medians
		unconnected int
		want        string // a part of the only fault; "" is none
	}{
		{name: "quiet", m: usual},
		{name: "nothing succeeded", change: func(c *Client) { *c = Client{Stamps: "user"} }},
		{name: "stamps late", change: func(c *Client) { c.ErrorP99Seconds = 0.0011 }, m: usual, want: "client error's p99 is 1.1 ms, and at most 1 ms"},
		{name: "stamps late, for a slow server", change: func(c *Client) { c.ErrorP99Seconds = 0.0039 }, m: medians{itl: 0.1, ttft: 0.2, e2e: 3}},
		{name: "late for the TTFT", change: func(c *Client) { c.ErrorP99Seconds = 0.0041 }, m: medians{itl: 0.1, ttft: 0.2, e2e: 3}, want: "client error"},
		{name: "read late, with the kernel's stamps", change: func(c *Client) { c.CanaryP99Seconds = 0.009 }, m: usual},
		{name: "read too late, with the kernel's stamps", change: func(c *Client) { c.CanaryP99Seconds, c.SharedChunks = 0.011, 11 }, m: usual, want: "canary"},
		{name: "read too late, and hardly a gap was lost", change: func(c *Client) { c.CanaryP99Seconds, c.SharedChunks = 0.011, 10 }, m: usual},
		{name: "read late, with user stamps", change: func(c *Client) { c.Stamps, c.CanaryP99Seconds = "user", 0.0021 }, m: usual, want: "canary"},
		{name: "behind the schedule", change: func(c *Client) { c.LagP99Seconds = 0.0041 }, m: usual, want: "lag behind the schedule"},
		{name: "slow to turn around", change: func(c *Client) { c.LagMeanSeconds, c.MeanGapSeconds = 0.031, 0 }, m: usual, want: "mean turn-around"},
		{name: "turns around in time", change: func(c *Client) { c.LagMeanSeconds, c.MeanGapSeconds = 0.029, 0 }, m: usual},
		{name: "slow once", change: func(c *Client) { c.LagP99Seconds, c.MeanGapSeconds = 0.1, 0 }, m: usual},
		{name: "rate off", change: func(c *Client) { c.RateRatio, c.LagMaxSeconds = 0.98, 0.1 }, m: usual, want: "rate sent is 0.98"},
		{name: "rate off by a moment", change: func(c *Client) { c.RateRatio, c.LagMaxSeconds = 0.98, 0.0005 }, m: usual},
		{name: "paused", change: func(c *Client) { c.GCPauseMaxSeconds = 0.006 }, m: usual, want: "garbage"},
		{name: "busy", change: func(c *Client) { c.CPUShare = 0.81 }, m: usual, want: "81 %"},
		{name: "given no core", change: func(c *Client) { c.WaitShare = 0.21 }, m: usual, want: "no core"},
		{name: "steal", change: func(c *Client) { c.StealShare = 0.11 }, m: usual, want: "steal"},
		{name: "unconnected", m: usual, unconnected: 3, want: "3 connections"},
	} {
		c := quiet
		if tt.change != nil {
			tt.change(&c)
		}
		got := c.faults(tt.m, tt.unconnected)
		if (tt.want == "") != (len(got) == 0) || len(got) > 1 || !strings.Contains(strings.Join(got, ""), tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestClientString(t *testing.T) {
	for want, c := range map[string]Client{
		"client error p99 = 42 us (kernel stamps)":                                                 {Stamps: "kernel", ErrorP99Seconds: 42e-6, Canaries: 9, Chunks: 5},
		"client error not measured (user stamps); 2 of 5 chunks shared a read with the one before": {Stamps: "user", Chunks: 5, SharedChunks: 2},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Both transports measure themselves, and no garbage is collected meanwhile.
func TestRunReportsItsClient(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		checkNoLeak(t)
		m := newMock(t, Generate, nil)
		p := prompts(11, 1)
		for i := range p {
			p[i].DueNS = int64(i) * 10e6
		}
		c := run(t, m.target(), Options{Prompts: p, Arrival: Trace}).Client
		if c.Canaries < 5 || c.ErrorP99Seconds <= 0 || c.CanaryP99Seconds < c.ErrorP99Seconds || c.CPUShare <= 0 || c.Chunks != 11 {
			t.Errorf("%+v", c)
		}
		if c.MeanGapSeconds != 0.01 || c.RateRatio < 0.5 || c.RateRatio > 2 {
			t.Errorf("mean gap %v s, rate ratio %v", c.MeanGapSeconds, c.RateRatio)
		}
	})
}
