package load

import (
	"testing"
	"time"
)

func TestParseTimeouts(t *testing.T) {
	for text, want := range map[string]Timeouts{
		"first=30s":        {FirstToken: 30 * time.Second},
		"gap=1m, total=1h": {Gap: time.Minute, Total: time.Hour},
		"connect=1s,first=2s,gap=3s,total=1500ms": {Connect: time.Second, FirstToken: 2 * time.Second, Gap: 3 * time.Second, Total: 1500 * time.Millisecond},
	} {
		got, err := ParseTimeouts(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if again, err := ParseTimeouts(got.String()); err != nil || again != got {
			t.Errorf("%q is %q as text, and read again %+v, %v", text, got, again, err)
		}
	}
	for _, bad := range []string{"", "30s", "first", "first=30", "first=0s", "gap=-1s", "last=1s", "gap=1s,gap=2s", "gap=1s,"} {
		if got, err := ParseTimeouts(bad); err == nil || got != (Timeouts{}) {
			t.Errorf("%q was read: %+v, %v", bad, got, err)
		}
	}
	if all := (Timeouts{}).withDefaults(); all.String() != "connect=10s,first=5m0s,gap=2m0s,total=30m0s" || (Timeouts{}).String() != "" {
		t.Errorf("%q", all)
	}
}
