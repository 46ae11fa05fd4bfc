package engine

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answers serves fixed documents; other paths are not found.
func answers(t *testing.T, docs map[string]string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "k" {
			http.Error(w, "no key", http.StatusUnauthorized)
			return
		}
		doc, ok := docs[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, doc)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestIdentify(t *testing.T) {
	models := func(owner string) string {
		return fmt.Sprintf(`{"data":[{"id":"m","owned_by":%q,"meta":{"n_vocab":4096}}]}`, owner)
	}
	for _, tt := range []struct {
		name string
		docs map[string]string
		want Found
	}{
		{"SGLang", map[string]string{"/v1/models": models("sglang"), "/model_info": `{"model_path":"p"}`, "/server_info": `{"version":"0.5.23","simulated":true}`},
			Found{Engine: "sglang", Version: "0.5.23", How: "/model_info", Simulated: true}},
		{"an older SGLang", map[string]string{"/v1/models": models("sglang"), "/get_model_info": `{"model_path":"p"}`}, Found{Engine: "sglang", How: "/model_info"}},
		{"a router of SGLang", map[string]string{"/v1/models": models("sglang")}, Found{Engine: "sglang", How: "/v1/models"}},
		{"llama.cpp", map[string]string{"/v1/models": models("llamacpp"), "/props": `{"total_slots":4,"build_info":"b9"}`}, Found{Engine: "llamacpp", Version: "b9", How: "/props"}},
		{"vLLM", map[string]string{"/v1/models": models("vllm"), "/version": `{"version":"0.33.0"}`}, Found{Engine: "vllm", Version: "0.33.0", How: "/v1/models"}},
		{"another", map[string]string{"/v1/models": models("someone")}, Found{Engine: "openai", How: "/v1/models"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := answers(t, tt.docs)
			got, err := Identify(t.Context(), url+"/v1/", http.Header{"X-Key": {"k"}})
			if err != nil {
				t.Fatal(err)
			}
			if got.URL != url || got.Engine != tt.want.Engine || got.Version != tt.want.Version || got.How != tt.want.How || got.Simulated != tt.want.Simulated || got.Model != "m" || got.VocabSize != 4096 {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
			if known := tt.want.Engine != "openai"; (got.Spec.API != "") != known {
				t.Errorf("its endpoints: %+v", got.Spec)
			}
		})
	}
}

func TestIdentifyErrors(t *testing.T) {
	if _, err := Identify(t.Context(), answers(t, nil), http.Header{"X-Key": {"k"}}); err == nil || errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), "/props: HTTP 404") || !strings.Contains(err.Error(), "--api") {
		t.Errorf("a server that is none: %v", err)
	}
	if _, err := Identify(t.Context(), answers(t, nil), nil); err == nil || !strings.Contains(err.Error(), "HTTP 401: no key") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := Identify(t.Context(), "http://127.0.0.1:1", nil); !errors.Is(err, ErrNoServer) {
		t.Errorf("nobody there: %v", err)
	}
}
