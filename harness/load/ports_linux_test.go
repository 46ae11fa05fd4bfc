package load

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
)

func TestSource(t *testing.T) {
	for _, tt := range []struct {
		to     string
		number int
		want   string
	}{
		{"127.0.0.1", 0, ""}, {"127.0.0.1", 24999, ""}, {"127.0.0.1", 25000, "127.0.0.2"}, {"127.0.0.1", 75000, "127.0.0.4"},
		{"::ffff:127.0.0.1", 25000, "127.0.0.2"}, {"::1", 25000, ""}, {"192.0.2.1", 25000, ""}, {"127.0.0.1", 255 * 25000, "127.0.1.0"},
	} {
		got := source(netip.MustParseAddr(tt.to), tt.number, 25000)
		if text := got.String(); text != tt.want && (got.IsValid() || tt.want != "") {
			t.Errorf("connection %d to %s from %v, want %s", tt.number, tt.to, got, tt.want)
		}
	}
	if localPorts() < 1000 {
		t.Errorf("%d local ports", localPorts())
	}
	if err := enoughPorts(netip.MustParseAddr("192.0.2.1"), 30000, 25000); err == nil {
		t.Error("30000 connections from 25000 ports")
	}
	if err := enoughPorts(netip.MustParseAddr("127.0.0.1"), 30000, 25000); err != nil {
		t.Error(err)
	}
}

// More connections than one local address has ports for come from several.
func TestSourcesAreSpread(t *testing.T) {
	m := newMock(t, Generate, nil)
	var mu sync.Mutex
	from := map[string]int{}
	all := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		mu.Lock()
		if from[host]++; from["127.0.0.1"]+from["127.0.0.2"]+from["127.0.0.3"] == 6 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-r.Context().Done():
		}
		http.Error(w, "enough", http.StatusServiceUnavailable)
	}))
	defer s.Close()
	target := m.target()
	target.URL = s.URL
	run := runBy(func(r *runner) (transport, error) {
		carry, err := kernelTransport(r)
		if k, ok := carry.(*kernel); ok {
			k.ports = 2
		}
		return carry, err
	})
	run(t, target, Options{Prompts: prompts(6, 1), Concurrency: 6})
	if len(from) != 3 || from["127.0.0.1"] != 2 || from["127.0.0.2"] != 2 || from["127.0.0.3"] != 2 {
		t.Errorf("requests by local address: %v, want 2 of each of 3", from)
	}
}
