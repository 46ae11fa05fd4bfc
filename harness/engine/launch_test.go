package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"harness/space"
)

func TestArgv(t *testing.T) {
	server := space.Server{Argv: []string{"{bin}", "serve", "{model}", "--bind={host}:{port}", "{flags}", "--last"}}
	flags := []string{"--tp", "2", "--json", `{"a": "{port} b"}`}
	own := []string{"/opt/srv", "serve", "/m/tiny 1.gguf", "--bind=127.0.0.1:8123", "--tp", "2", "--json", `{"a": "{port} b"}`, "--last"}
	for _, tt := range []struct {
		name  string
		wrap  []string
		flags []string
		want  []string
	}{
		{"flags stay as they are", nil, flags, own},
		{"no flags", nil, nil, []string{"/opt/srv", "serve", "/m/tiny 1.gguf", "--bind=127.0.0.1:8123", "--last"}},
		{"wrapped", []string{"docker", "run", "--gpus", "device={gpus}", "-p", "{port}:{port}", "IMAGE", "{argv}", "--end"}, flags,
			slices.Concat([]string{"docker", "run", "--gpus", "device=GPU-1,GPU-2", "-p", "8123:8123", "IMAGE"}, own, []string{"--end"})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Launch{Bin: "/opt/srv", Model: "/m/tiny 1.gguf", Wrap: tt.wrap, Server: server}
			if got := l.Argv(tt.flags, []string{"GPU-1", "GPU-2"}, 8123); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// The launch lines of the built-in engines.
func TestArgvOfSpecs(t *testing.T) {
	for name, want := range map[string]string{
		"sglang":   "BIN -m sglang.launch_server --model-path M --host 127.0.0.1 --port 1 --tp-size 2",
		"vllm":     "BIN serve M --host 127.0.0.1 --port 1 --tp-size 2",
		"llamacpp": "BIN --model M --host 127.0.0.1 --port 1 --tp-size 2",
	} {
		l := Launch{Bin: "BIN", Model: "M", Server: loadServer(t, name)}
		if got := strings.Join(l.Argv([]string{"--tp-size", "2"}, nil, 1), " "); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

func TestMask(t *testing.T) {
	for _, tt := range []struct{ argv, want string }{
		{"srv --api-key s3cret --port 1", "srv --api-key *** --port 1"},
		{"srv --api-key=s3cret", "srv --api-key=***"},
		{"srv --hf-token s3cret", "srv --hf-token ***"},
		{"srv --API_KEY s3cret", "srv --API_KEY ***"},
		{"docker run -e HF_TOKEN=s3cret IMAGE", "docker run -e HF_TOKEN=*** IMAGE"},
		{"srv --max-total-tokens 12 --tokenizer t --token-ids 3", "srv --max-total-tokens 12 --tokenizer t --token-ids 3"},
		{"srv --password", "srv --password"},
		{"srv token s", "srv token s"},
	} {
		argv := strings.Fields(tt.argv)
		if got := strings.Join(Mask(argv), " "); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
		if strings.Join(argv, " ") != tt.argv {
			t.Errorf("%s: the argument was changed", tt.argv)
		}
	}
}

func TestStartedCommandIsMasked(t *testing.T) {
	s := begin(t, script("exit 0"))
	if s.Command[0] != "/bin/sh" {
		t.Errorf("command %q", s.Command)
	}
	l := script("exit 0")
	l.Server.Argv = append(l.Server.Argv, "--api-key", "s3cret")
	if s := begin(t, l); s.Command[len(s.Command)-1] != "***" {
		t.Errorf("command %q shows a secret", s.Command)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	program := func(path string, mode os.FileMode) string {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	onPath := program("path/first", 0o755)
	beside := program("beside/second", 0o755)
	text := program("text/second", 0o644)
	if err := os.MkdirAll(filepath.Join(dir, "folder", "second"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(onPath))
	for _, tt := range []struct {
		name     string
		binaries []string
		bin      string
		dirs     []string
		want     string // or
		err      string
	}{
		{name: "on PATH", binaries: []string{"first"}, want: onPath},
		{name: "in a folder", binaries: []string{"second"}, dirs: []string{dir + "/beside"}, want: beside},
		{name: "the first name first", binaries: []string{"first", "second"}, dirs: []string{dir + "/beside"}, want: onPath},
		{name: "given", binaries: []string{"first"}, bin: beside, want: beside},
		{name: "given by name", binaries: []string{"second"}, bin: "first", want: onPath},
		{name: "not executable", binaries: []string{"second"}, dirs: []string{dir + "/text", dir + "/beside"}, want: beside},
		{name: "a folder of that name", binaries: []string{"second"}, dirs: []string{dir + "/folder"}, err: "none of second is on PATH"},
		{name: "nowhere", binaries: []string{"x", "y"}, err: "none of x, y is on PATH: install the engine, or name its program with --server-bin"},
		{name: "given, missing", bin: dir + "/no", err: "server program " + dir + "/no"},
		{name: "given, not executable", bin: text, err: "permission denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Find(space.Server{Binaries: tt.binaries}, tt.bin, tt.dirs...)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %q, %v; want %q, %q", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for _, tt := range []struct{ name, script, want, err string }{
		{"stdout", "echo warming up; echo 0.5.23", "0.5.23", ""},
		{"stderr", "echo 0.5.23 >&2", "0.5.23", ""},
		{"said, and a bad exit", "echo 0.5.23; exit 1", "0.5.23", ""},
		{"fails", "echo Traceback; echo ModuleNotFoundError: no sglang; exit 1", "", "exit status 1: ModuleNotFoundError: no sglang"},
		{"says nothing", "true", "", "no version in its output"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Launch{Bin: "/bin/sh", Server: space.Server{Version: space.Probe{Argv: []string{"{bin}", "-c", tt.script}, Pattern: `(?m)^(\d+\.\d+\.\d+)$`}}}
			got, err := Version(t.Context(), l)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %q, %v; want %q, %q", got, err, tt.want, tt.err)
			}
		})
	}
	if got, err := Version(t.Context(), Launch{}); got != "unknown" || err != nil {
		t.Errorf("an engine without a version: %q, %v", got, err)
	}
	l := Launch{Bin: "/bin/sh", Server: space.Server{Version: space.Probe{Argv: []string{"{bin}", "-c", "exec tail -f /dev/null"}, Pattern: `(\d)`}}}
	if got, err := Version(ended(), l); err == nil {
		t.Errorf("after the end of its context: %q", got)
	}
}

func loadServer(t *testing.T, name string) space.Server {
	t.Helper()
	s, err := space.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s.Server
}
