package export

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/goccy/go-yaml"
)

// probeSeconds is how often Kubernetes asks whether a server is ready.
const probeSeconds = 10

// kubernetes writes a Deployment and a Service.
func kubernetes(w io.Writer, d Deployment) error {
	d.comments(w, "#")
	if d.Mount.From != "" {
		fmt.Fprintf(w, "# The model is mounted from the node's %s: put a claim of your own in its place where nodes differ.\n", d.Mount.From)
	}
	labels := yaml.MapSlice{{Key: "app.kubernetes.io/name", Value: d.Name}}
	pod := yaml.MapSlice{
		{Key: "terminationGracePeriodSeconds", Value: int(math.Ceil(d.Stop)) + 10},
		{Key: "containers", Value: []any{d.container()}},
		{Key: "volumes", Value: d.volumes()},
	}
	deployment := yaml.MapSlice{
		{Key: "apiVersion", Value: "apps/v1"}, {Key: "kind", Value: "Deployment"},
		{Key: "metadata", Value: yaml.MapSlice{{Key: "name", Value: d.Name}, {Key: "labels", Value: labels}}},
		{Key: "spec", Value: yaml.MapSlice{
			{Key: "replicas", Value: 1},
			{Key: "strategy", Value: yaml.MapSlice{{Key: "type", Value: "Recreate"}}}, // two at once would need twice the GPUs
			{Key: "selector", Value: yaml.MapSlice{{Key: "matchLabels", Value: labels}}},
			{Key: "template", Value: yaml.MapSlice{{Key: "metadata", Value: yaml.MapSlice{{Key: "labels", Value: labels}}}, {Key: "spec", Value: pod}}},
		}},
	}
	service := yaml.MapSlice{
		{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "Service"},
		{Key: "metadata", Value: yaml.MapSlice{{Key: "name", Value: d.Name}, {Key: "labels", Value: labels}}},
		{Key: "spec", Value: yaml.MapSlice{
			{Key: "selector", Value: labels},
			{Key: "ports", Value: []any{yaml.MapSlice{{Key: "name", Value: "http"}, {Key: "port", Value: d.Port}, {Key: "targetPort", Value: "http"}}}},
		}},
	}
	if err := encode(w, deployment); err != nil {
		return err
	}
	fmt.Fprintln(w, "---")
	return encode(w, service)
}

func (d Deployment) container() yaml.MapSlice {
	ready := yaml.MapSlice{{Key: "path", Value: d.Ready}, {Key: "port", Value: "http"}}
	c := yaml.MapSlice{
		{Key: "name", Value: "server"}, {Key: "image", Value: d.Image},
		{Key: "command", Value: expanded(d.Container[:1])}, {Key: "args", Value: expanded(d.Container[1:])},
		{Key: "ports", Value: []any{yaml.MapSlice{{Key: "name", Value: "http"}, {Key: "containerPort", Value: d.Port}}}},
	}
	if names := secrets(d.Container); len(names) > 0 {
		var env []any
		for _, name := range names {
			env = append(env, yaml.MapSlice{{Key: "name", Value: name},
				{Key: "valueFrom", Value: nested(yaml.MapSlice{{Key: "name", Value: d.Name}, {Key: "key", Value: name}}, "secretKeyRef")}})
		}
		c = append(c, yaml.MapItem{Key: "env", Value: env})
	}
	if d.GPUs > 0 {
		c = append(c, yaml.MapItem{Key: "resources", Value: yaml.MapSlice{{Key: "limits", Value: yaml.MapSlice{{Key: "nvidia.com/gpu", Value: d.GPUs}}}}})
	}
	mounts := []any{yaml.MapSlice{{Key: "name", Value: "shm"}, {Key: "mountPath", Value: "/dev/shm"}}}
	if d.Mount.From != "" {
		mounts = append(mounts, yaml.MapSlice{{Key: "name", Value: "model"}, {Key: "mountPath", Value: d.Mount.To}, {Key: "readOnly", Value: !d.Mount.Cache}})
	}
	return append(c,
		yaml.MapItem{Key: "startupProbe", Value: yaml.MapSlice{{Key: "httpGet", Value: ready}, {Key: "periodSeconds", Value: probeSeconds},
			{Key: "failureThreshold", Value: int(math.Ceil(max(d.Start, probeSeconds) / probeSeconds))}}},
		yaml.MapItem{Key: "readinessProbe", Value: yaml.MapSlice{{Key: "httpGet", Value: ready}, {Key: "periodSeconds", Value: probeSeconds}}},
		yaml.MapItem{Key: "volumeMounts", Value: mounts})
}

// volumes are the model's, and shared memory, which pods have but 64 MiB of.
func (d Deployment) volumes() []any {
	list := []any{yaml.MapSlice{{Key: "name", Value: "shm"}, {Key: "emptyDir", Value: yaml.MapSlice{{Key: "medium", Value: "Memory"}}}}}
	if d.Mount.From != "" {
		list = append(list, yaml.MapSlice{{Key: "name", Value: "model"}, {Key: "hostPath", Value: yaml.MapSlice{{Key: "path", Value: d.Mount.From}}}})
	}
	return list
}

// expanded are arguments with what Kubernetes expands escaped.
func expanded(argv []Word) []string {
	var out []string
	for _, a := range argv {
		text := strings.ReplaceAll(a.Text, "$(", "$$(")
		if a.Secret != "" {
			text += "$(" + a.Secret + ")"
		}
		out = append(out, text)
	}
	return out
}
