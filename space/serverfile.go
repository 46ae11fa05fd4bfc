package space

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// FailureClasses are the classes of failed launches and runs that a failure
// pattern may name.
func FailureClasses() []string {
	return []string{"bad_flag", "illegal_config", "model_unreadable", "oom_load", "oom_capture", "oom_serving",
		"no_kv_memory", "port", "crash", "hang_start", "hang_serving", "slow", "wrong_output", "request_errors",
		"client_overload", "gpu_fault", "killed", "cancelled", "harness_error"}
}

var (
	apis         = []string{"completions", "chat", "generate", "completion"}
	phases       = []string{"start", "first_token", "warmup", "run"}
	placeholders = []string{"{bin}", "{model}", "{host}", "{port}", "{flags}", "{config}"}
	placeholder  = regexp.MustCompile(`\{[a-z_]*\}`)
)

// serverOrName reads the section, or the name of a built-in spec that has one.
func (d *document) serverOrName(n ast.Node, s *Server) {
	if _, ok := n.(*ast.StringNode); !ok {
		d.server(n, s)
		return
	}
	var name string
	d.text(&name)(n)
	file := "specs/" + name + ".yaml"
	data, err := builtin.ReadFile(file)
	if err != nil {
		d.fail(n, "no built-in spec %s has a server%s", name, didYouMean(name, Names()))
		return
	}
	other, body := openDocument(file, data)
	if body == nil {
		d.errs = append(d.errs, other.errs...)
		return
	}
	other.entries(body, "a spec", func(_ ast.Node, key string, value ast.Node) {
		if key == "server" {
			other.server(value, s)
		}
	})
}

// server reads the section that says how to run the engine.
func (d *document) server(n ast.Node, s *Server) {
	var flush, metrics Endpoint
	d.fields(n, "server", map[string]reader{
		"binaries": d.texts("binaries", &s.Binaries), "argv": d.argv(&s.Argv),
		"env": d.textMap("env", &s.Env), "unset_env": d.texts("unset_env", &s.UnsetEnv),
		"needs_gpu": d.boolean(&s.NeedsGPU), "needs_model": d.boolean(&s.NeedsModel),
		"version": func(n ast.Node) {
			d.fields(n, "version", map[string]reader{
				"argv": d.argv(&s.Version.Argv), "pattern": d.pattern(&s.Version.Pattern, 1),
			}, "argv", "pattern")
		},
		"help": d.argv(&s.Help), "ready": d.endpoint(&s.Ready), "api": d.oneOf("api", apis, &s.API),
		"token_ids": d.boolean(&s.TokenIDs), "vocab": d.vocab(&s.Vocab),
		"flush": func(n ast.Node) { d.endpoint(&flush)(n); s.Flush = &flush },
		"info": d.items("info", func(n ast.Node) {
			var e Endpoint
			d.endpoint(&e)(n)
			s.Info = append(s.Info, e)
		}),
		"metrics":         func(n ast.Node) { d.endpoint(&metrics)(n); s.Metrics = &metrics },
		"extra_body":      d.object("extra_body", &s.ExtraBody),
		"start_timeout_s": d.number(&s.StartTimeoutS), "stop_grace_s": d.number(&s.StopGraceS), "stall_timeout_s": d.number(&s.StallTimeoutS),
		"failures": d.items("failures", func(n ast.Node) { s.Failures = append(s.Failures, d.failure(n)) }),
		"deploy":   func(n ast.Node) { d.deploy(n, &s.Deploy) },
	}, "binaries", "argv", "ready", "api", "start_timeout_s", "stop_grace_s")
	if s.StartTimeoutS < 0 || s.StopGraceS < 0 || s.StallTimeoutS < 0 {
		d.fail(n, "start_timeout_s, stop_grace_s and stall_timeout_s cannot be negative")
	}
}

// deploy reads how the engine is run outside of a study.
func (d *document) deploy(n ast.Node, to *Deploy) {
	d.fields(n, "deploy", map[string]reader{
		"image": d.text(&to.Image), "image_cpu": d.text(&to.ImageCPU), "version": d.pattern(&to.Version, 1), "bin": d.text(&to.Bin),
		"port": d.integer(&to.Port), "config": d.argv(&to.Config), "config_model": d.text(&to.ConfigModel), "install": d.text(&to.Install), "evidence": d.text(new(string)),
	}, "bin", "port", "evidence")
	if (to.Image != "" || to.ImageCPU != "") && to.Version == "" {
		d.fail(n, "an image needs version, a regexp that finds {version} in the engine's version")
	}
}

func (d *document) failure(n ast.Node) FailurePattern {
	var f FailurePattern
	d.fields(n, "a failure", map[string]reader{
		"class": d.oneOf("class", FailureClasses(), &f.Class), "pattern": d.pattern(&f.Pattern, 0),
		"exit":  func(n ast.Node) { f.Exit = new(int); d.integer(f.Exit)(n) },
		"phase": d.oneOf("phase", phases, &f.Phase), "evidence": d.text(&f.Evidence),
	}, "class", "evidence")
	if f.Pattern == "" && f.Exit == nil && f.Phase == "" {
		d.fail(n, "a failure needs a pattern, an exit or a phase: this one would match everything")
	}
	return f
}

func (d *document) endpoint(dst *Endpoint) reader {
	return func(n ast.Node) {
		dst.Method = "GET"
		d.fields(n, "an endpoint", map[string]reader{
			"method": d.oneOf("method", []string{"GET", "POST"}, &dst.Method),
			"path": func(n ast.Node) {
				if d.text(&dst.Path)(n); !strings.HasPrefix(dst.Path, "/") {
					d.fail(n, "path %q must begin with /", dst.Path)
				}
			},
			"expect": d.pattern(&dst.Expect, 0),
		}, "path")
	}
}

// argv reads a command template.
func (d *document) argv(dst *[]string) reader {
	return d.items("argv", func(n ast.Node) {
		var s string
		d.text(&s)(n)
		for _, p := range placeholder.FindAllString(s, -1) {
			if !slices.Contains(placeholders, p) {
				d.fail(n, "unknown placeholder %s: there are %s", p, strings.Join(placeholders, " "))
			}
			if p == "{flags}" && s != p {
				d.fail(n, "{flags} must stand alone: it becomes several arguments")
			}
		}
		*dst = append(*dst, s)
	})
}

// pattern reads a regexp with the given number of groups; 0 = any number.
func (d *document) pattern(dst *string, groups int) reader {
	return func(n ast.Node) {
		d.text(dst)(n)
		re, err := regexp.Compile(*dst)
		switch {
		case err != nil:
			d.fail(n, "bad regexp: %v", err)
		case groups > 0 && re.NumSubexp() != groups:
			d.fail(n, "the regexp has %d groups: want %d", re.NumSubexp(), groups)
		}
	}
}

func (d *document) oneOf(what string, known []string, dst *string) reader {
	return func(n ast.Node) {
		if d.text(dst)(n); !slices.Contains(known, *dst) {
			d.fail(n, "unknown %s %q%s (there are %s)", what, *dst, didYouMean(*dst, known), strings.Join(known, ", "))
		}
	}
}

func (d *document) vocab(dst *[2]int) reader {
	return func(n ast.Node) {
		var bounds []int
		d.items("vocab", func(n ast.Node) {
			var i int
			d.integer(&i)(n)
			bounds = append(bounds, i)
		})(n)
		if len(bounds) != 2 || bounds[0] < 0 || bounds[1] <= bounds[0] {
			d.fail(n, "vocab must be [lo, hi] with 0 <= lo < hi")
			return
		}
		*dst = [2]int(bounds)
	}
}

// object reads any YAML mapping that is JSON too.
func (d *document) object(what string, dst *map[string]any) reader {
	return func(n ast.Node) {
		data, err := yaml.YAMLToJSON([]byte(n.String()))
		if err == nil {
			err = json.Unmarshal(data, dst)
		}
		if err != nil {
			d.fail(n, "%s must be a mapping of JSON values", what)
		}
	}
}
