package engine

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// killer tells who killed a server with SIGKILL: the kernel, where it has killed for
// want of memory since the launch (kills), or somebody else. line says how it ended.
func killer(phase, line string, kills int64) (class, why string) {
	if kills <= 0 {
		return Killed, line
	}
	why = fmt.Sprintf("%s; since the launch the kernel has killed for want of memory (oom_kill +%d)", line, kills)
	if phase == PhaseStart {
		return OOMLoad, why
	}
	return OOMServing, why
}

// oomKills counts the processes that the kernel killed for want of memory, in this
// process's control group where that says it, and else on the whole machine. 0 where
// neither does: then nothing is known.
func oomKills() int64 {
	files := []string{"/proc/vmstat"}
	if text, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		files = append(eventFiles(string(text)), files...)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if n, ok := counter(string(text), "oom_kill"); err == nil && ok {
			return n
		}
	}
	return 0
}

// eventFiles are where cgroup v2 counts the kills of a group, from /proc/self/cgroup. In
// a container the group's own path may not be visible, and the root is the group.
func eventFiles(cgroup string) []string {
	for line := range strings.Lines(cgroup) {
		if group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return []string{path.Join("/sys/fs/cgroup", group, "memory.events"), "/sys/fs/cgroup/memory.events"}
		}
	}
	return nil
}

// counter finds a line "name N".
func counter(text, name string) (n int64, ok bool) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
