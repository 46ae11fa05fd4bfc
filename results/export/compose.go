package export

import (
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
)

// compose writes a file for docker compose (the Compose Specification).
func compose(w io.Writer, d Deployment) error {
	d.comments(w, "#")
	service := yaml.MapSlice{
		{Key: "image", Value: d.Image},
		{Key: "entrypoint", Value: []string{d.Container[0].Text}},
		{Key: "command", Value: composed(d.Container[1:])},
		{Key: "ports", Value: []string{fmt.Sprintf("%s:%d:%d", d.Host, d.Port, d.Port)}},
	}
	if d.Mount.From != "" {
		service = append(service, yaml.MapItem{Key: "volumes", Value: []string{strings.ReplaceAll(d.Mount.text(), "$", "$$")}})
	}
	service = append(service,
		yaml.MapItem{Key: "ipc", Value: "host"},
		yaml.MapItem{Key: "ulimits", Value: yaml.MapSlice{{Key: "memlock", Value: -1}, {Key: "stack", Value: 67108864}}},
		yaml.MapItem{Key: "stop_grace_period", Value: fmt.Sprintf("%.0fs", max(d.Stop, 1)+10)},
		yaml.MapItem{Key: "restart", Value: "unless-stopped"})
	if d.GPUs > 0 {
		device := yaml.MapSlice{{Key: "driver", Value: "nvidia"}, {Key: "count", Value: d.GPUs}, {Key: "capabilities", Value: []string{"gpu"}}}
		service = append(service, yaml.MapItem{Key: "deploy", Value: nested([]any{device}, "resources", "reservations", "devices")})
	}
	return encode(w, yaml.MapSlice{
		{Key: "name", Value: d.Name},
		{Key: "services", Value: yaml.MapSlice{{Key: d.Name, Value: service}}},
	})
}

// composed are arguments with what Compose interpolates escaped.
func composed(argv []Word) []string {
	var out []string
	for _, a := range argv {
		text := strings.ReplaceAll(a.Text, "$", "$$")
		if a.Secret != "" {
			text += "${" + a.Secret + ":?set it in the environment or in .env}"
		}
		out = append(out, text)
	}
	return out
}

// nested puts a value under keys, the first one outermost.
func nested(value any, keys ...string) any {
	for i := len(keys) - 1; i >= 0; i-- {
		value = yaml.MapSlice{{Key: keys[i], Value: value}}
	}
	return value
}
