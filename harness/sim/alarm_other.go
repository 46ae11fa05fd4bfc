//go:build !linux

package sim

import "time"

// An alarm rings at a set time, as late as Go's timers are.
type alarm struct {
	rings chan struct{} // holds one
	timer *time.Timer
}

func newAlarm() (*alarm, error) {
	a := &alarm{rings: make(chan struct{}, 1)}
	a.timer = time.AfterFunc(time.Hour, func() {
		select {
		case a.rings <- struct{}{}:
		default:
		}
	})
	return a, nil
}

// set makes the alarm ring after d, instead of when it was to ring. A ring that
// was under way may still come.
func (a *alarm) set(d time.Duration) { a.timer.Reset(d) }

// close ends the alarm.
func (a *alarm) close() { a.timer.Stop() }
