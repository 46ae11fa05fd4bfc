package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the command itself and the programs that it
// starts: under the name harness it is the real main, under an engine's name the
// fake of that engine.
func TestMain(m *testing.M) {
	if fake := fakes[filepath.Base(os.Args[0])]; fake != nil {
		os.Exit(fake(os.Args[1:]))
	}
	// What runs here waits for modelled time more than it computes. -parallel still decides.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"harness": main})
}

// TestScripts runs the command as users do: testdata/script, one concern a file. A
// script sees no program but harness and the fakes that it asks for.
//
//	exits 0|3 harness ...     run, and want one of these exit statuses
//	fake NAME ...             put fakes of these programs on PATH
//	hfmodel DIR, gguf FILE    make a model: a config.json of Llama-3.1-8B, the header of a small GGUF
//	json FILE KEY[=VALUE] ... FILE (or stdout) is one JSON document with these keys; a.0.b goes inwards
//	grows KEY OLD NEW         a number of NEW is at least that of OLD
//	simserver FLAG ...    run the simulated server, and set URL
//	samenumbers A B       two documents of bench have the same numbers, to the last digit
//	waitfor FILE              wait until it is there
//	study DIR [lost]          check a study's parts (see checkStudy), and print what they hold
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup:              setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "fake": installFakes, "hfmodel": hfModel, "gguf": ggufModel,
			"json": jsonDocument, "grows": grows, "study": describeStudy, "waitfor": waitForFile, "simserver": startSim, "samenumbers": sameNumbers,
		},
	})
}

// noExitSleep keeps the race detector, where it is on, from holding up the end of
// every process for a second.
const noExitSleep = "atexit_sleep_ms=0"

func setupScript(env *testscript.Env) error {
	command, err := exec.LookPath("harness")
	if err != nil {
		return err
	}
	recorded, err := filepath.Abs("../gpu/testdata")
	if err != nil {
		return err
	}
	tables, err := filepath.Abs("../search/replay/testdata")
	if err != nil {
		return err
	}
	env.Setenv("TABLES", tables) // synthetic.csv, an invented table
	env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+string(filepath.ListSeparator)+filepath.Dir(command))
	env.Setenv("GPU", recorded)     // answers of nvidia-smi
	env.Setenv("HARNESS_NVML", "0") // nor a real driver's library
	env.Setenv("HARNESS_GPU_LOCKS", filepath.Join(env.WorkDir, "locks"))
	env.Setenv("GORACE", noExitSleep)
	env.Setenv("LAUNCHES", filepath.Join(env.WorkDir, "launches"))
	return nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS|STATUS COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	status := 0
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		status = ee.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(status)) {
		ts.Fatalf("exit status %d, want %s", status, args[0])
	}
}

func installFakes(ts *testscript.TestScript, neg bool, names []string) {
	bin := ts.MkAbs(filepath.Join(ts.Getenv("WORK"), "bin"))
	ts.Check(linkFakes(bin, names...))
}

// linkFakes puts fakes into a folder: links to this test binary by their names.
func linkFakes(dir string, names ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		if fakes[name] == nil {
			return fmt.Errorf("there is no fake %s", name)
		}
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func jsonDocument(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: json FILE KEY[=VALUE]...")
	}
	doc, err := oneDocument(ts.ReadFile(args[0]))
	if err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, a := range args[1:] {
		path, want, compare := strings.Cut(a, "=")
		got, ok := inside(doc, path)
		switch {
		case !ok:
			ts.Fatalf("%s: no key %s", args[0], path)
		case compare && fmt.Sprint(got) != want:
			ts.Fatalf("%s: %s is %v, want %s", args[0], path, got, want)
		}
	}
}

// oneDocument reads a text that is one JSON document and nothing else.
func oneDocument(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON document")
	}
	return doc, nil
}

// inside goes inwards by keys and indices between points.
func inside(doc any, path string) (any, bool) {
	for step := range strings.SplitSeq(path, ".") {
		switch d := doc.(type) {
		case map[string]any:
			inner, ok := d[step]
			if !ok {
				return nil, false
			}
			doc = inner
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(d) {
				return nil, false
			}
			doc = d[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

func grows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: grows KEY OLD NEW")
	}
	number := func(file string) float64 {
		doc, err := oneDocument(ts.ReadFile(file))
		ts.Check(err)
		v, _ := inside(doc, args[0])
		n, ok := v.(json.Number)
		if !ok {
			ts.Fatalf("%s: %s is %v, and no number", file, args[0], v)
		}
		f, err := n.Float64()
		ts.Check(err)
		return f
	}
	if before, after := number(args[1]), number(args[2]); after < before {
		ts.Fatalf("%s fell from %v to %v", args[0], before, after)
	}
}

func waitForFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	if path := ts.MkAbs(args[0]); !pollFor(func() bool { return exists(path) }) {
		ts.Fatalf("%s does not come", args[0])
	}
}
