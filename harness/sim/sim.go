package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"harness/space"
)

// version is what /server_info reports.
const version = "0.5.23-sim"

// drain is how long requests may go on after the server was told to end.
const drain = 500 * time.Millisecond

// Main runs a simulated server as a process would run the real one: it takes
// SGLang's flags and its own, logs to stderr, serves until ctx ends, and returns
// the exit status of the real server: 0 when ended by ctx, 2 for a bad flag, 1 for
// an illegal combination, an unreadable model or a port in use, and 137 where
// SGLang kills its own process tree (out of memory, a crash while serving).
//
// Its own flags:
//
//	--sim-gpu NAME       the modelled GPU, one of GPUs (H100)
//	--sim-model NAME     the modelled model, one of Models, or a directory with a config.json (--model-path)
//	--sim-devices N      GPUs of the machine (8)
//	--sim-seed N         seed of all noise (0)
//	--sim-noise X        scale of the noise; 0 turns it and the spread of memory off (1)
//	--sim-interference X a server of the same parent slows all steps by this share (0)
//	--sim-startup-s S    seconds until the server is ready (0.2)
//	--sim-rules NAME     spec of package space whose hard rules are enforced, or none (sglang)
//	--sim-fail LIST      crash@N, hang@N, oom@N (after N requests), slow:F (all steps take F times as long, or slow:F@N after N requests)
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	for _, a := range args {
		if a == "-h" || a == "--help" {
			fmt.Fprint(stdout, usage())
			return exitOK
		}
	}
	log := console{w: &lockedWriter{w: stderr}}
	flags, err := parseFlags(args)
	var o options
	if err == nil {
		o, err = readOptions(flags)
	}
	if err != nil {
		fmt.Fprintf(log.w, "usage: launch_server.py [-h] --model-path MODEL_PATH ... (simulated; --help lists the flags)\nlaunch_server.py: error: %v\n", err)
		return exitBadFlag
	}
	s, status := o.configure(log)
	if s == nil {
		return status
	}
	return launch(ctx, s, o, log)
}

// options are the simulator's own settings.
type options struct {
	flags   flagValues
	gpu     gpu
	devices int
	seed    uint64
	startup time.Duration
	rules   *space.Spec // nil: none
	faults  faults

	interference float64 // what a neighbour adds to the time of a step, as a share
	addr         string
}

// readOptions checks the simulator's own flags, as far as no file is needed.
func readOptions(f flagValues) (options, error) {
	o := options{flags: f, devices: visible(f.int("sim_devices", 8), os.Getenv("CUDA_VISIBLE_DEVICES")), seed: uint64(f.int("sim_seed", 0))}
	var err error
	if name := f.str("sim_rules", "sglang"); name != "none" {
		if o.rules, err = space.Load(name); err != nil {
			return o, fmt.Errorf("argument --sim-rules: %w", err)
		}
	}
	if o.gpu, err = findGPU(f.str("sim_gpu", "H100")); err != nil {
		return o, fmt.Errorf("argument --sim-gpu: %w", err)
	}
	if o.faults, err = parseFaults(f["sim_fail"]); err != nil {
		return o, fmt.Errorf("argument --sim-fail: %w", err)
	}
	startup, noise, port := f.float("sim_startup_s", 0.2), f.float("sim_noise", 1), f.int("port", 30000)
	o.interference = f.float("sim_interference", 0)
	switch {
	case o.devices < 1 || o.devices > 4096:
		return o, fmt.Errorf("argument --sim-devices: %d is not in 1..4096", o.devices)
	case !(startup >= 0 && startup <= 86400):
		return o, fmt.Errorf("argument --sim-startup-s: %v is not in 0..86400", startup)
	case !(noise >= 0 && noise <= 100):
		return o, fmt.Errorf("argument --sim-noise: %v is not in 0..100", noise)
	case !(o.interference >= 0 && o.interference <= 100):
		return o, fmt.Errorf("argument --sim-interference: %v is not in 0..100", o.interference)
	case port < 0 || port > 65535:
		return o, fmt.Errorf("argument --port: %d is not in 0..65535", port)
	}
	o.startup = seconds(startup)
	if noise == 0 {
		o.seed = noNoise
	}
	o.addr = net.JoinHostPort(f.str("host", "127.0.0.1"), fmt.Sprint(port))
	return o, nil
}

// configure reads the model and applies the rules; without a setup it has
// printed why, and status is the exit status.
func (o options) configure(log console) (s *setup, status int) {
	path := o.flags.str("sim_model", o.flags.str("model_path", defaultModel))
	m, err := findModel(path)
	if err != nil {
		traceback(log.w, "sglang/srt/utils/hf_transformers_utils.py", fmt.Sprintf("OSError: Can't load the configuration of '%s': %v", path, err))
		return nil, exitIllegal
	}
	if err = checkShape(m, o.flags); err == nil {
		err = o.checkRules(m)
	}
	if err != nil {
		traceback(log.w, "sglang/srt/server_args.py", err.Error())
		return nil, exitIllegal
	}
	return resolve(o.gpu, m, o.devices, o.flags), exitOK
}

// launch goes through the phases of a start, then serves.
func launch(ctx context.Context, s *setup, o options, log console) int {
	log.line("SIMULATED SGLang %s: no model is loaded, all times are modelled (%s)", version, s)
	log.line("server_args=ServerArgs(%s)", s.argsText())
	spread := s.memorySpread(o.seed)
	for _, p := range startPhases(s, spread) {
		log.line("DP0 TP0 %s", p.begin)
		if !wait(ctx, time.Duration(float64(o.startup)*0.9*p.share)) {
			return exitOK
		}
		if p.failed != "" {
			return schedulerDied(log, p.where, p.failed)
		}
		if p.end != "" {
			log.line("DP0 TP0 %s", p.end)
		}
	}
	log.line("%s", memoryLine(s))
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		log.line("ERROR:    [Errno 98] error while attempting to bind on address ('%s', %d): address already in use (%v)",
			o.flags.str("host", "127.0.0.1"), o.flags.int("port", 30000), err)
		return exitIllegal
	}
	log.line("INFO:     Uvicorn running on http://%s (Press CTRL+C to quit)", listener.Addr())
	return serve(ctx, s, o, log, listener)
}

// serve answers requests until ctx ends or the scheduler dies.
func serve(ctx context.Context, s *setup, o options, log console, listener net.Listener) int {
	alarm, err := newAlarm()
	if err != nil {
		listener.Close()
		log.line("ERROR:    %v", err)
		return exitIllegal
	}
	defer alarm.close()
	c := newClock(newMachine(s, o.seed, o.faults), func(line string) { log.line("%s", line) })
	living, end := context.WithCancel(context.WithoutCancel(ctx)) // requests may outlive ctx, for the drain
	h := newServer(s, o, c)
	var wg sync.WaitGroup
	if o.interference > 0 {
		others, err := meetNeighbours()
		if err != nil {
			end()
			listener.Close()
			log.line("ERROR:    --sim-interference: %v", err)
			return exitIllegal
		}
		defer others.leave()
		wg.Go(func() { others.disturb(living, c, o.interference) })
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second, BaseContext: func(net.Listener) context.Context { return living }}
	died := make(chan string, 1)
	wg.Go(func() { died <- c.run(living, alarm) })
	wg.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.line("ERROR:    %v", err)
		}
	})
	defer func() {
		end()
		server.Close()
		h.active.Wait()
		wg.Wait()
	}()
	if wait(ctx, o.startup/10) {
		h.ready.Store(true)
		log.line("The server is fired up and ready to roll!")
	}
	select {
	case cause := <-died:
		return schedulerDied(log, "sglang/srt/managers/scheduler.py", cause)
	case <-ctx.Done():
	}
	log.line("Gracefully exiting... (simulated)")
	h.ready.Store(false)
	grace, cancel := context.WithTimeout(living, drain)
	defer cancel()
	server.Shutdown(grace) // what is not done by then is cut off
	return exitOK
}

// wait waits for d; false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A lockedWriter lets several goroutines write whole lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
