package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"harness/harness/sim"
	"harness/space"
)

// fakes are the programs that tests put on PATH: name to main. They print what the
// real ones were seen to print, or, where those could not be run, what their source
// says. How a fake engine dies is told by the environment:
//
//	FAKE_DIE   argparse, no_memory, capture, port, serving or deaf (see each engine)
//	FAKE_WITH  only where this word is on the command line
//	LAUNCHES   a file to which each launch adds its command line
//	FAKE_LACKS flags that its --help does not list, or help: it cannot be asked
//	FAKE_VERSION what llama-server says of itself
//	FAKE_SMI   the file that nvidia-smi prints
//	FAKE_DENY  readings of GPUs are not allowed
//	FAKE_LOST  the UUID of a GPU that falls off the bus when a server is on it
var fakes = map[string]func(args []string) int{
	"nvidia-smi":   fakeSMI,
	"python3":      fakePython,
	"vllm":         fakeVLLM,
	"llama-server": fakeLlama,
}

// death is how a launch with these arguments ends; "" it serves.
func death(args []string) string {
	if with := os.Getenv("FAKE_WITH"); with != "" && !slices.Contains(args, with) {
		return ""
	}
	return os.Getenv("FAKE_DIE")
}

// launched notes a launch.
func launched(name string, args []string) {
	path := os.Getenv("LAUNCHES")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(f, name, strings.Join(args, " "), "on", os.Getenv("CUDA_VISIBLE_DEVICES"))
	f.Close()
}

// flagOf is the value that follows a flag.
func flagOf(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// fakeHelp lists all flags of a space, as argparse does, save those in FAKE_LACKS; with
// FAKE_LACKS=help the engine cannot be asked.
func fakeHelp(name string) int {
	lacks := strings.Fields(os.Getenv("FAKE_LACKS"))
	if slices.Contains(lacks, "help") {
		logf("ImportError: libcuda.so.1: cannot open shared object file")
		return 1
	}
	s, err := space.Load(name)
	if err != nil {
		logf("%v", err)
		return 1
	}
	flags := slices.Clone(s.FixedArgs)
	for _, p := range s.Params {
		flags = append(append(flags, p.Flag, p.OffFlag), p.Aliases...)
	}
	fmt.Println("usage: server [-h] ...\n\noptions:")
	for _, f := range flags {
		if strings.HasPrefix(f, "-") && !slices.Contains(lacks, f) {
			fmt.Printf("  %s VALUE\n                        what it does\n", f)
		}
	}
	return 0
}

func logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// killSelf ends the process as the kernel or the engine's own parent does.
func killSelf() int {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// fakeSMI answers nvidia-smi's questions from a recorded file.
func fakeSMI(args []string) int {
	if uuids := flagOf(args, "-i"); uuids != "" {
		return fakeReadings(args, strings.Split(uuids, ","))
	}
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--query-gpu=") }) {
		text, err := os.ReadFile(os.Getenv("FAKE_SMI"))
		if err != nil {
			logf("%v", err)
			return 1
		}
		os.Stdout.Write(text)
		return 0
	}
	if slices.Equal(args, []string{"topo", "-m"}) {
		fmt.Print("\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\nGPU0\t X \tNV18\t0-15\t0\nGPU1\tNV18\t X \t0-15\t0\n")
		return 0
	}
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--query-compute-apps=") }) {
		return 0 // there are none
	}
	logf("unexpected: nvidia-smi %q", args)
	return 1
}

// fakeReadings prints readings of GPUs as nvidia-smi does where it is asked for some by
// -i; with --loop-ms it goes on until it is killed. A GPU in FAKE_LOST falls off the bus
// when a server is on it: when a launch with its UUID was noted.
func fakeReadings(args, uuids []string) int {
	query := args[slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "--query-gpu=") })]
	fields := strings.Split(strings.TrimPrefix(query, "--query-gpu="), ",")
	loops := slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--loop-ms=") })
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, uuid := range uuids {
			if lost := os.Getenv("FAKE_LOST"); lost == uuid && onGPU(lost) {
				fmt.Println("Unable to determine the device handle for GPU0000:3D:00.0: GPU is lost.  Reboot the system to recover this GPU")
				continue
			}
			value := "1"
			if os.Getenv("FAKE_DENY") != "" {
				value = "[Insufficient Permissions]"
			}
			values := slices.Repeat([]string{value}, len(fields))
			values[0] = uuid
			fmt.Println(strings.Join(values, ", "))
		}
		if !loops {
			return 0
		}
		<-tick.C
	}
}

// lostGPU reports whether this server is on the GPU that falls off the bus.
func lostGPU() bool {
	lost := os.Getenv("FAKE_LOST")
	return lost != "" && strings.Contains(os.Getenv("CUDA_VISIBLE_DEVICES"), lost)
}

// onGPU reports whether a server was launched on a GPU.
func onGPU(uuid string) bool {
	text, err := os.ReadFile(os.Getenv("LAUNCHES"))
	return err == nil && strings.Contains(string(text), uuid)
}

// fakePython is an interpreter that has sglang installed and nothing else.
func fakePython(args []string) int {
	switch {
	case len(args) == 2 && args[0] == "-c" && strings.HasPrefix(args[1], "import sglang"):
		fmt.Println("0.5.23")
		return 0
	case len(args) > 2 && args[0] == "-m" && args[1] == "sglang.launch_server" && args[2] == "--help":
		return fakeHelp("sglang")
	case len(args) > 2 && args[0] == "-m" && args[1] == "sglang.launch_server":
		launched("python3", args)
		return fakeSGLang(args[2:])
	}
	logf("ModuleNotFoundError: unexpected: python3 %q", args)
	return 1
}

// fakeSGLang starts as SGLang 0.5.23 does, then serves its interface by the
// simulator. It dies by argparse (exit 2), of memory for the KV cache or while
// capturing graphs (its parent kills the whole tree by SIGKILL), of a port in use, or
// while serving.
func fakeSGLang(args []string) int {
	logf("CUDA_VISIBLE_DEVICES=%s SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION=%s",
		os.Getenv("CUDA_VISIBLE_DEVICES"), os.Getenv("SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION"))
	const at = "[2026-10-02 09:12:44 TP0] "
	switch death(args) {
	case "argparse":
		logf("usage: launch_server.py [-h] --model-path MODEL_PATH ...\nlaunch_server.py: error: unrecognized arguments: --page-size 1")
		return 2
	case "port":
		logf("ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', %s): address already in use", flagOf(args, "--port"))
		return 1
	case "no_memory":
		logf(at + "Scheduler hit an exception: Traceback (most recent call last):\n" +
			"RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.\n\n" +
			"[2026-10-02 09:12:45] Received sigquit from a child process. It usually means the child failed.")
		return killSelf()
	case "capture":
		logf(at + "Capture cuda graph begin. This can take up to several minutes. avail mem=1.02 GB\n" +
			at + "Scheduler hit an exception: Traceback (most recent call last):\n" +
			"Exception: Capture cuda graph failed: CUDA out of memory. Tried to allocate 1.96 GiB.\n" +
			"Possible solutions:\n1. set --mem-fraction-static to a smaller value (e.g., 0.8 or 0.7)\n\n" +
			"[2026-10-02 09:12:45] Received sigquit from a child process. It usually means the child failed.")
		return killSelf()
	case "serving":
		args = append(args, "--sim-fail", "oom@12")
	}
	devices := len(strings.Split(os.Getenv("CUDA_VISIBLE_DEVICES"), ","))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	status := sim.Main(ctx, append(args, "--sim-devices", strconv.Itoa(devices), "--sim-startup-s", "0.05"), os.Stdout, os.Stderr)
	if status == 137 { // the simulator's word for: the parent kills its process tree
		return killSelf()
	}
	return status
}
