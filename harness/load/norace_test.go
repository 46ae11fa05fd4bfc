//go:build !race

package load

// raceDetector is whether it slows this test binary down.
const raceDetector = false
