package load

import (
	"fmt"
	"strings"
	"time"
)

// Timeouts end what takes too long, and the request fails. Each one's zero value is
// the default in brackets.
type Timeouts struct {
	Connect    time.Duration // of a dial, TLS handshake included [10 s]
	FirstToken time.Duration // from send to the first token; headers and empty events do not count [5 min]
	Gap        time.Duration // from one token to the next, or to the end [2 min]
	Total      time.Duration // from send to the end of the answer [30 min]
}

// each lists the fields by their names in text, with their defaults.
func (t *Timeouts) each() []timeout {
	return []timeout{
		{"connect", &t.Connect, 10 * time.Second},
		{"first", &t.FirstToken, 5 * time.Minute},
		{"gap", &t.Gap, 2 * time.Minute},
		{"total", &t.Total, 30 * time.Minute},
	}
}

type timeout struct {
	name     string
	value    *time.Duration
	standard time.Duration
}

// ParseTimeouts reads some or all of connect=10s,first=5m,gap=2m,total=30m.
func ParseTimeouts(text string) (t Timeouts, err error) {
	all := t.each()
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var into *time.Duration
		for _, one := range all {
			if one.name == name {
				into = one.value
			}
		}
		if into == nil {
			return Timeouts{}, fmt.Errorf("timeouts %q: %q is none of connect, first, gap and total: write first=30s,gap=10s", text, name)
		}
		if *into != 0 {
			return Timeouts{}, fmt.Errorf("timeouts %q: %s is given twice", text, name)
		}
		if *into, err = time.ParseDuration(value); err != nil || *into <= 0 {
			return Timeouts{}, fmt.Errorf("timeouts %q: %s=%q is no time: write %s=30s", text, name, value, name)
		}
	}
	return t, nil
}

// String is the timeouts as ParseTimeouts reads them; "" where all are the defaults.
func (t Timeouts) String() string {
	var parts []string
	for _, one := range t.each() {
		if *one.value != 0 {
			parts = append(parts, fmt.Sprintf("%s=%v", one.name, *one.value))
		}
	}
	return strings.Join(parts, ",")
}

// withDefaults fills the zero values.
func (t Timeouts) withDefaults() Timeouts {
	for _, one := range t.each() {
		if *one.value == 0 {
			*one.value = one.standard
		}
	}
	return t
}
