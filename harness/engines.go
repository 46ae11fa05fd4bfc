package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"harness/gpu"
	"harness/harness/engine"
	"harness/harness/sim"
	"harness/space"
)

// defaultSpace is the spec of an engine when --space is not given.
var defaultSpace = map[string]string{"sglang": "sglang", "vllm": "vllm", "llamacpp": "llamacpp-cpu", "sim": "sglang"}

// chosen is an engine with what it needs to be launched.
type chosen struct {
	engine    string // sglang | vllm | llamacpp | sim
	spec      *space.Spec
	launch    engine.Launch
	version   string
	simulated bool
	flags     map[string]bool // that the installed engine knows; nil: it was not asked
	warning   string          // why it could not be asked
	why       string          // of --engine auto
}

// knownFlags are those of the spec's flags that the installed engine knows; nil where
// it was not asked.
func (c chosen) knownFlags() []string {
	if c.flags == nil {
		return nil
	}
	return c.spec.FlagsOf(c.flags)
}

// startOptions are what the user says of how servers are started.
type startOptions struct {
	bin  string   // --server-bin
	wrap []string // --launch
	args []string // --server-arg
}

// quickstartDirs are where scripts/quickstart puts the server and the model, beside
// the checkout that this program was built in, or below the working directory.
func quickstartDirs() []string {
	dirs := []string{".quickstart"}
	if self, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Join(filepath.Dir(filepath.Dir(self)), ".quickstart"))
	}
	return dirs
}

func quickstartBins() []string {
	dirs := quickstartDirs()
	for i, d := range dirs {
		dirs[i] = filepath.Join(d, "bin")
	}
	return dirs
}

func quickstartModel() string {
	for _, d := range quickstartDirs() {
		path := filepath.Join(d, "model.gguf")
		if _, err := os.Stat(path); err == nil {
			if abs, err := filepath.Abs(path); err == nil {
				return abs
			}
		}
	}
	return ""
}

// choose finds the engine that a command asks for. With "auto" it is SGLang or vLLM
// where a GPU and the engine are there, else llama.cpp where it and a model are
// there, else the simulator. A space that is named leaves its own engine only.
func choose(ctx context.Context, o latticeOptions, start startOptions, inventory gpu.Inventory) (chosen, error) {
	if o.engine != "auto" {
		return prepare(ctx, o.engine, o, start)
	}
	var reasons []string
	try := []string{"llamacpp"}
	if len(inventory.Usable()) > 0 {
		try = []string{"sglang", "vllm", "llamacpp"}
	} else {
		reasons = append(reasons, "no GPU ("+inventory.Reason+")")
	}
	if o.space != "" {
		spec, err := space.Load(o.space)
		if err != nil {
			return chosen{}, &exitError{exitUsage, err}
		}
		try = slices.DeleteFunc(try, func(name string) bool { return name != spec.Engine })
		if spec.Engine != "sglang" && len(try) == 0 {
			return chosen{}, fmt.Errorf("space %s is for %s, which needs a GPU: %s", spec.Name, spec.Engine, inventory.Reason)
		}
	}
	for _, name := range try {
		c, err := prepare(ctx, name, o, start)
		if err == nil {
			c.why = "chosen by --engine auto"
			return c, nil
		}
		if o.space != "" && name != "sglang" {
			return chosen{}, err
		}
		reasons = append(reasons, name+": "+err.Error())
	}
	if _, err := sim.Facts(o.simGPU, o.model); err != nil && o.model != "" {
		reasons = append(reasons, "the simulator models "+defaultSimModel+" in place of "+o.model)
		o.model = ""
	}
	c, err := prepare(ctx, "sim", o, startOptions{args: start.args})
	c.why = strings.Join(reasons, "; ")
	return c, err
}

// prepare loads an engine's spec and finds its program, its version and its model.
func prepare(ctx context.Context, name string, o latticeOptions, start startOptions) (chosen, error) {
	spec, err := loadSpec(name, o.space)
	if err != nil {
		return chosen{}, err
	}
	c := chosen{engine: name, spec: spec, launch: engine.Launch{Engine: name, Model: o.model, Wrap: start.wrap, Server: spec.Server, Guard: []string{"{self}", guardName}}}
	if name == "sim" {
		if start.wrap != nil || start.bin != "" {
			return chosen{}, usagef("the simulator is harness itself: --launch and --server-bin do not go with --engine sim")
		}
		return c.simulate(o, start.args), nil
	}
	c.launch.Server.Argv = append(slices.Clone(spec.Server.Argv), start.args...)
	if name == "llamacpp" && c.launch.Model == "" {
		c.launch.Model = quickstartModel()
	}
	if c.launch.Model == "" {
		return chosen{}, fmt.Errorf("%s needs a model: name it with --model", name)
	}
	if start.wrap != nil && start.bin == "" {
		// In the container, or wherever the template goes.
		c.launch.Bin, c.version = spec.Server.Binaries[0], "unknown (started by --launch)"
		return c, nil
	}
	if c.launch.Bin, err = engine.Find(spec.Server, start.bin, quickstartBins()...); err != nil {
		return chosen{}, err
	}
	if c.launch.Model, err = modelPath(c.launch.Model, name); err != nil {
		return chosen{}, err
	}
	return c, c.askEngine(ctx)
}

// askEngine asks the installed engine for its version and its flags, at once: Python
// engines take seconds to import. One that does not list its flags is taken to know
// them all.
func (c *chosen) askEngine(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() (err error) {
		c.version, err = engine.Version(ctx, c.launch)
		return err
	})
	g.Go(func() error {
		flags, err := engine.Flags(ctx, c.launch)
		if err != nil {
			c.warning = fmt.Sprintf("the engine did not list its flags, so all of the space are taken as known: %v", err)
		}
		c.flags = flags
		return nil
	})
	return g.Wait()
}

// loadSpec loads a space and checks that it is one of the engine's.
func loadSpec(engineName, spaceName string) (*space.Spec, error) {
	if spaceName == "" {
		spaceName = defaultSpace[engineName]
	}
	spec, err := space.Load(spaceName)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if spec.Engine != engineName && (engineName != "sim" || spec.Engine != "sglang") {
		return nil, usagef("space %s is one of %s, and the engine is %s: choose another --space or --engine", spec.Name, spec.Engine, engineName)
	}
	return spec, nil
}

// modelPath makes a model that is a file absolute, since the plan must mean the same
// from any folder. A model that is a name on a hub stays as it is.
func modelPath(model, engineName string) (string, error) {
	_, err := os.Stat(model)
	if err == nil {
		return filepath.Abs(model)
	}
	if engineName == "llamacpp" || strings.HasPrefix(model, "/") || strings.HasPrefix(model, ".") {
		return "", fmt.Errorf("model %s: %w", model, err)
	}
	return model, nil
}

// defaultSimModel is the model that the simulator models where none is named.
const defaultSimModel = "llama-3.1-8b"

// simulate makes the engine this program's own simulated server, which takes
// SGLang's flags and speaks its HTTP interface.
func (c chosen) simulate(o latticeOptions, args []string) chosen {
	if c.launch.Model == "" {
		c.launch.Model = defaultSimModel
	}
	c.simulated, c.version = true, "simulated"
	c.launch.Wrap, c.launch.SeedFlag = nil, "--sim-seed"
	s := &c.launch.Server
	s.Argv = append([]string{"{self}", "sim", "--model-path", "{model}", "--host", "{host}", "--port", "{port}",
		"--sim-gpu", o.simGPU, "--sim-devices", strconv.Itoa(o.devices), "{flags}"}, args...)
	s.Env, s.UnsetEnv, s.NeedsGPU = nil, nil, false
	s.StartTimeoutS, s.StopGraceS = 30, 2
	return c
}
