package gpu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// signature names this process for people.
func signature() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s, process %d on %s", filepath.Base(os.Args[0]), os.Getpid(), host)
}

// sign writes into a lock's file who holds it. It is for people: the lock alone counts.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(holder()+"\n"), 0)
	return err
}

// holder is what this process writes of itself where it takes something.
func holder() string {
	return fmt.Sprintf("%s, since %s", signature(), time.Now().UTC().Format(time.DateTime+" UTC"))
}

// Own reports whether a holder is this process.
func Own(holder string) bool {
	return strings.HasPrefix(holder, signature()+", ")
}

// Holders tells which of the devices are leased at this moment, by UUID, and by whom.
// Where there is no folder of locks, or nobody can look into it, none are.
func Holders(ctx context.Context, dir string, devices []Device) map[string]string {
	if _, err := os.Stat(dir); err != nil {
		return map[string]string{}
	}
	door, err := enter(ctx, dir)
	if err != nil {
		return map[string]string{}
	}
	defer unlock(door)
	return leased(dir, devices)
}

// leased is Holders for one who holds the door.
func leased(dir string, devices []Device) map[string]string {
	held := map[string]string{}
	for _, d := range devices {
		path := lockPath(dir, d)
		if _, err := os.Stat(path); err != nil {
			continue // never leased; no file is made for a mere look
		}
		f, err := lockFile(path)
		switch {
		case f != nil:
			unlock(f)
		case err == nil:
			text, _ := os.ReadFile(path)
			held[d.UUID] = strings.TrimSpace(string(text))
		}
	}
	return held
}
