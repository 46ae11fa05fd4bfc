//go:build !unix

package load

func enoughFiles(int) error { return nil } // unknown: a dial will tell
