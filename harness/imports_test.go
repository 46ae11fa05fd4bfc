package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the house: each package with those of ours that it may import. Data
// flows one way; a new arrow is a decision, made here.
var mayImport = map[string][]string{
	"harness/space":              nil,
	"harness/gpu":                nil,
	"harness/results/stat":       nil,
	"harness/results":            {"harness/results/stat"},
	"harness/harness/load":       nil,
	"harness/search/pareto":      nil,
	"harness/search/gp":          nil,
	"harness/search":             {"harness/space", "harness/search/gp", "harness/search/pareto"},
	"harness/search/replay":      {"harness/space", "harness/search", "harness/search/pareto"},
	"harness/harness/engine":     {"harness/space"},
	"harness/harness/sim":        {"harness/space"},
	"harness/harness/bench/stop": {"harness/results/stat"},
	"harness/harness/bench":      {"harness/harness/bench/stop", "harness/harness/engine", "harness/harness/load", "harness/gpu", "harness/space", "harness/results", "harness/results/stat"},
	"harness/harness/executor":   {"harness/harness/bench", "harness/harness/engine", "harness/gpu", "harness/results"},
	// A server for tests and for scripts/bench-load; what is shipped does not import it.
	"harness/harness/load/mock":  nil,
	"harness/scripts/mockserver": {"harness/harness/load/mock"},
	// The plan is data, made here: hence bench, engine and load.
	"harness/harness/study": {"harness/space", "harness/gpu", "harness/search", "harness/search/pareto", "harness/harness/executor", "harness/results", "harness/results/stat",
		"harness/harness/bench", "harness/harness/bench/stop", "harness/harness/engine", "harness/harness/load"},
	"harness/results/report": {"harness/results", "harness/results/stat", "harness/search/pareto"},
	"harness/results/export": nil,
	"harness/harness": {"harness/space", "harness/gpu", "harness/results", "harness/results/export", "harness/results/report", "harness/results/stat", "harness/search", "harness/search/pareto", "harness/search/replay",
		"harness/harness/load", "harness/harness/engine", "harness/harness/sim", "harness/harness/bench", "harness/harness/bench/stop", "harness/harness/executor", "harness/harness/study"},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "harness/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		seen[f[0]] = true
		may, known := mayImport[f[0]]
		if !known {
			t.Errorf("%s is a new package: decide what it may import, here", f[0])
		}
		for _, imported := range f[1:] {
			if strings.HasPrefix(imported, "harness/") && !slices.Contains(may, imported) {
				t.Errorf("%s must not import %s", f[0], imported)
			}
		}
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("%s is in the table, and is no package", name)
		}
	}
}
