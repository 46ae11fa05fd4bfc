package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"harness/space"
)

// Found is what a running server says of itself.
type Found struct {
	Peer
	Engine    string // sglang | vllm | llamacpp | openai: another that speaks OpenAI's formats
	Version   string // "" where it does not say
	Model     string // the name that OpenAI requests must carry; "" where it does not say
	VocabSize int    // 0 where it does not say
	How       string // the endpoint that told the engine
	Simulated bool   // it is the built-in simulator
}

// ErrNoServer is what Identify gives where nothing answers.
var ErrNoServer = errors.New("no server answers")

// probeTimeout bounds each question: a server that is busy still answers these.
const probeTimeout = 10 * time.Second

// Identify asks a running server which engine it is, by the endpoints that only one of
// them has: SGLang's /model_info (/get_model_info of older ones), llama.cpp's
// /props, and what /v1/models says of its owner. The error says what was tried.
func Identify(ctx context.Context, base string, header http.Header) (Found, error) {
	f := Found{Peer: Peer{URL: strings.TrimSuffix(strings.TrimRight(base, "/"), "/v1"), Header: header}}
	var tried []error
	ask := func(path string) map[string]any {
		body, err := f.call(ctx, space.Endpoint{Path: path}, probeTimeout)
		var doc map[string]any
		if err == nil {
			err = json.Unmarshal(body, &doc)
		}
		if err != nil {
			tried = append(tried, err)
		}
		return doc
	}
	models := ask("/v1/models")
	if len(tried) > 0 && !answered(tried[0]) {
		return f, fmt.Errorf("%w at %s: %w", ErrNoServer, f.URL, tried[0])
	}
	f.Model = f.ModelName(ctx)
	f.VocabSize = vocabSize(models)
	props := ask("/props")
	info := ask("/model_info")
	if info == nil {
		info = ask("/get_model_info")
	}
	if err := ctx.Err(); err != nil {
		return f, err
	}
	switch {
	case info["model_path"] != nil:
		f.Engine, f.How = "sglang", "/model_info"
		server := ask("/server_info")
		f.Version, _ = server["version"].(string)
		f.Simulated, _ = server["simulated"].(bool)
	case props["default_generation_settings"] != nil || props["total_slots"] != nil:
		f.Engine, f.How = "llamacpp", "/props"
		f.Version, _ = props["build_info"].(string)
	case owner(models) == "vllm":
		f.Engine, f.How = "vllm", "/v1/models"
		f.Version, _ = ask("/version")["version"].(string)
	case owner(models) == "sglang":
		f.Engine, f.How = "sglang", "/v1/models"
	case models != nil:
		f.Engine, f.How = "openai", "/v1/models"
	default:
		return f, fmt.Errorf("no engine is known by these: %w\nname the interface with --api completions|chat|generate|completion", errors.Join(tried...))
	}
	if spec, err := space.Load(f.Engine); err == nil {
		f.Spec = spec.Server
	}
	return f, nil
}

// answered reports whether an error came from an answer, and not from its lack.
func answered(err error) bool {
	var lack *url.Error
	return !errors.As(err, &lack)
}

// firstModel is what /v1/models says of its first model.
func firstModel(models map[string]any) map[string]any {
	list, _ := models["data"].([]any)
	if len(list) == 0 {
		return nil
	}
	first, _ := list[0].(map[string]any)
	return first
}

func owner(models map[string]any) string {
	name, _ := firstModel(models)["owned_by"].(string)
	return name
}

// vocabSize is what llama.cpp says there.
func vocabSize(models map[string]any) int {
	meta, _ := firstModel(models)["meta"].(map[string]any)
	n, _ := meta["n_vocab"].(float64)
	return int(n)
}
