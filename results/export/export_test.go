package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/coreos/go-systemd/v22/unit"
	"github.com/goccy/go-yaml"
	"github.com/kballard/go-shellquote"
)

var update = flag.Bool("update", false, "write the golden files anew")

// awkward has what each kind must escape in its own way.
func awkward() Deployment {
	flags := append(words("--json", `{"a": "b c", "p": 100}`, "--path", "/m/it's $HOME 100%", "--paths", "$(id)", "`id`", "--low", "-1", "--on"),
		Word{Text: "--api-key"}, Word{Secret: "API_KEY"}, Word{Text: "--token=", Secret: "TOKEN"})
	return Deployment{
		Name: "sglang-t0012", Notes: []string{"study x, trial t0012", "a note\nof two lines"},
		Argv:  append(words("/opt/my python", "-m", "server", "--host", "127.0.0.1"), flags...),
		Unset: []string{"LLAMA_ARG_*"}, Image: "registry.example/server:v1", Container: append(words("python3", "-m", "server", "--host", "0.0.0.0"), flags...),
		Mount: Mount{From: "/models/llama", To: "/model"}, GPUs: 2, Host: "127.0.0.1", Port: 30000, Ready: "/health", Start: 1800, Stop: 20,
		Config: append([]Setting{{"model-path", "/models/llama"}}, Settings(flags)...), ConfigUse: "python3 -m server --config sglang-t0012.yaml",
	}
}

// want are the arguments behind --host that every kind must arrive at, with its secrets
// filled in.
func want() []string {
	return []string{"--json", `{"a": "b c", "p": 100}`, "--path", "/m/it's $HOME 100%", "--paths", "$(id)", "`id`", "--low", "-1", "--on", "--api-key", "s3cret", "--token=t0ken"}
}

func write(t *testing.T, kind string, d Deployment) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, kind, d); err != nil {
		t.Fatal(err)
	}
	golden(t, kind, b.Bytes())
	return b.String()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, got) {
		t.Errorf("%s differs from %s (-update writes it):\n%s", name, path, got)
	}
}

func tail(argv []string, from string) []string { return argv[slices.Index(argv, from)+1:] }

func check(t *testing.T, argv []string, address string) {
	t.Helper()
	if got := tail(argv, address); !slices.Equal(got, want()) {
		t.Errorf("arrived as\n%q, want\n%q", got, want())
	}
}

var filled = strings.NewReplacer("$API_KEY", "s3cret", "$TOKEN", "t0ken", "${API_KEY}", "s3cret", "${TOKEN}", "t0ken", "$(API_KEY)", "s3cret", "$(TOKEN)", "t0ken")

// command is what stands behind exec in a script, split as a shell would, its secrets
// filled in.
func command(t *testing.T, script string) []string {
	t.Helper()
	_, line, ok := strings.Cut(script, "\nexec ")
	if !ok {
		t.Fatalf("no command in %s", script)
	}
	argv, err := shellquote.Split(filled.Replace(line))
	if err != nil {
		t.Fatal(err)
	}
	return argv
}

func TestShell(t *testing.T) {
	argv := command(t, write(t, "shell", awkward()))
	if argv[0] != "/opt/my python" {
		t.Errorf("the program is %q", argv[0])
	}
	check(t, argv, "127.0.0.1")
}

func TestDocker(t *testing.T) {
	argv := command(t, write(t, "docker", awkward()))
	check(t, argv, "0.0.0.0")
	for _, pair := range [][2]string{{"--gpus", "2"}, {"-v", "/models/llama:/model:ro"}, {"-p", "127.0.0.1:30000:30000"}, {"--entrypoint", "python3"}} {
		if i := slices.Index(argv, pair[0]); i < 0 || argv[i+1] != pair[1] {
			t.Errorf("%s %s is missing in %q", pair[0], pair[1], argv)
		}
	}
}

func TestCompose(t *testing.T) {
	text := write(t, "compose", awkward())
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
		Environment: types.Mapping{"API_KEY": "s3cret", "TOKEN": "t0ken"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := project.Services["sglang-t0012"]
	check(t, s.Command, "0.0.0.0")
	if d := s.Deploy.Resources.Reservations.Devices; len(d) != 1 || d[0].Count != 2 || s.Ports[0].HostIP != "127.0.0.1" {
		t.Errorf("devices %+v, ports %+v", d, s.Ports)
	}
}

// scripts/check_export.py holds manifests against Kubernetes's own schemas.
func TestKubernetes(t *testing.T) {
	docs := strings.Split(write(t, "kubernetes", awkward()), "\n---\n")
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	var d struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args []string
						Env  []struct{ Name string }
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(docs[0]), &d); err != nil {
		t.Fatal(err)
	}
	c := d.Spec.Template.Spec.Containers[0]
	for i, a := range c.Args {
		c.Args[i] = strings.ReplaceAll(filled.Replace(a), "$$(", "$(")
	}
	check(t, c.Args, "0.0.0.0")
	if len(c.Env) != 2 {
		t.Errorf("secrets come from %+v", c.Env)
	}
}

func TestSystemd(t *testing.T) {
	options, err := unit.DeserializeOptions(strings.NewReader(write(t, "systemd", awkward())))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(options, func(o *unit.UnitOption) bool { return o.Section == "Service" && o.Name == "ExecStart" })
	if i < 0 {
		t.Fatal("no ExecStart")
	}
	// Quotes are as a shell's, but nothing is special between words; then specifiers and variables.
	line := strings.NewReplacer("\\\n", " ", "`", "\\`").Replace(options[i].Value)
	line = strings.ReplaceAll(line, "$(", "\\$(")
	argv, err := shellquote.Split(line)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range argv {
		argv[i] = strings.NewReplacer("%%", "%", "$$", "$", "${API_KEY}", "s3cret", "${TOKEN}", "t0ken", "\\`", "`").Replace(a)
	}
	check(t, argv, "127.0.0.1")
}

func TestConfig(t *testing.T) {
	var got map[string]any
	if err := yaml.Unmarshal([]byte(write(t, "yaml", awkward())), &got); err != nil {
		t.Fatal(err)
	}
	if got["low"] != int64(-1) && got["low"] != uint64(1) && got["low"] != -1 {
		t.Errorf("low is %v (%T)", got["low"], got["low"])
	}
	if got["on"] != true || got["path"] != "/m/it's $HOME 100%" || len(got["paths"].([]any)) != 2 {
		t.Errorf("read back: %v", got)
	}
	for _, secret := range []string{"api-key", "token"} {
		if _, ok := got[secret]; ok {
			t.Errorf("%s is written", secret)
		}
	}
}

func TestRefusals(t *testing.T) {
	d := awkward()
	d.Image, d.ConfigUse = "", ""
	for kind, want := range map[string]string{
		"docker": "--image", "compose": "--image", "kubernetes": "--image", "yaml": "--as shell", "helm": "there are shell, docker",
	} {
		if err := Write(&bytes.Buffer{}, kind, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", kind, err, want)
		}
	}
}

func points() Points {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return Points{
		Study: "x", Engine: "sglang", Version: "0.5.23", Model: "/models/llama",
		Objectives: []Objective{{"ttft_p50_s", false}, {"output_tps", true}},
		Params:     []Param{{"tp_size", []any{int64(1), int64(2)}}, {"backend", []any{nil, "fa3", "a,\"b\""}}, {"mixed", []any{true, false}}},
		Rows: []Point{
			{TrialID: "t0001", ConfigID: "a", Load: "c16", Config: []any{int64(1), nil, true}, Values: []float64{0.2, 900}, CI: [][2]float64{{0.1, 0.3}, {math.NaN(), math.Inf(1)}}, Runs: 3, OnFront: true, PFront: math.NaN(), Started: at, Seconds: 60},
			{TrialID: "t0002", ConfigID: "b", Load: "c16", Config: []any{int64(2), `a,"b"`, false}, Values: []float64{0.3, 1e9}, CI: [][2]float64{{0.1, 0.3}, {1, 2}}, Runs: 3, PFront: 0.5, Started: at, Seconds: 60},
			{TrialID: "t0003", ConfigID: "c", Failure: "oom_load", Config: []any{int64(2), "fa3", true}, Started: at, Seconds: 5},
		},
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := points().CSV(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "csv", b.Bytes())
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 4 || rows[2][len(rows[2])-2] != `a,"b"` {
		t.Errorf("%v: %q", err, rows)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := points().JSON(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "json", b.Bytes())
	if !json.Valid(b.Bytes()) {
		t.Error("no JSON")
	}
}

// scripts/check_export.py reads a journal with Optuna itself.
func TestOptuna(t *testing.T) {
	var b bytes.Buffer
	if err := points().Optuna(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "optuna", b.Bytes())
	strange := points()
	strange.Rows[0].Config[0] = int64(8)
	if err := strange.Optuna(&b); err == nil || !strings.Contains(err.Error(), "tp_size=8 is not in the lattice") {
		t.Errorf("a value that the lattice does not have: %v", err)
	}
}
