//go:build !unix

package load

import "math"

func enoughFiles(int) error { return nil } // unknown: a dial will tell

// MostConnections is how many connections the limit of open files leaves this process;
// here it is not known.
func MostConnections() int { return math.MaxInt }
