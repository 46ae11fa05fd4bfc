package gpu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sign writes into a lock's file who holds it. It is for people: the lock alone counts.
func sign(f *os.File) error {
	host, _ := os.Hostname()
	text := fmt.Sprintf("%s, process %d on %s, since %s\n", filepath.Base(os.Args[0]), os.Getpid(), host, time.Now().UTC().Format(time.DateTime+" UTC"))
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// Holders tells which of the devices are leased at this moment, by UUID, and by whom.
// Where there is no folder of locks, or nobody can look into it, none are.
func Holders(ctx context.Context, dir string, devices []Device) map[string]string {
	held := map[string]string{}
	if _, err := os.Stat(dir); err != nil {
		return held
	}
	door, err := enter(ctx, dir)
	if err != nil {
		return held
	}
	defer unlock(door)
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
