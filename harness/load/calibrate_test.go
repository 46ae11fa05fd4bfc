package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// tokenizerServer counts a token for each two letters of a word, rounded up, and six
// beside them; with a tokenizer endpoint of vLLM's or llama.cpp's shape, or without.
func tokenizerServer(t *testing.T, shape string) Target {
	count := func(text string) (n int) {
		for _, w := range strings.Fields(text) {
			n += (len(w) + 1) / 2
		}
		return n
	}
	mux := http.NewServeMux()
	if shape != "" {
		mux.HandleFunc("/tokenize", func(w http.ResponseWriter, r *http.Request) {
			var q struct{ Prompt, Content string }
			if json.NewDecoder(r.Body).Decode(&q) != nil || r.Header.Get("Authorization") != "Bearer k" {
				http.Error(w, "bad", http.StatusBadRequest)
				return
			}
			if shape == "vllm" {
				fmt.Fprintf(w, `{"count":%d,"max_model_len":5}`, 1+count(q.Prompt))
				return
			}
			fmt.Fprintf(w, `{"tokens":[1%s]}`, strings.Repeat(",7", count(q.Content)))
		})
	}
	mux.HandleFunc("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Messages []Message
		}
		json.NewDecoder(r.Body).Decode(&q)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"choices\":[{\"delta\":{\"content\":\"w\"},\"finish_reason\":\"length\"}]}\n\n")
		usage := ""
		if shape != "mute" {
			usage = fmt.Sprintf(`"prompt_tokens":%d,`, 6+count(q.Messages[0].Content))
		}
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{%s\"completion_tokens\":1}}\n\ndata: [DONE]\n\n", usage)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return Target{URL: s.URL + "/v1", API: Chat, APIKey: "k"}
}

// With the server's tokenizer text is exact; by its usage alone it is so on average.
func TestCalibrate(t *testing.T) {
	for shape, exact := range map[string]bool{"vllm": true, "llama.cpp": true, "": false} {
		target := tokenizerServer(t, shape)
		cost, how, err := Calibrate(t.Context(), target)
		if err != nil || cost.Overhead != 6 && exact || (len(cost.Words) == len(words)) != exact || strings.Contains(how, "tokenize:") == exact {
			t.Fatalf("%q: %+v by %s, %v", shape, cost, how, err)
		}
		s := open(t, Workload{Input: "200", Output: "1", Text: true, Cost: cost})
		for _, p := range s.Prompts(1, 5) {
			rec, err := Probe(t.Context(), target, p)
			if err != nil {
				t.Fatal(err)
			}
			if off := rec.PromptTokens - 200; exact && off != 0 || off < -20 || off > 20 {
				t.Errorf("%q: a prompt of %d tokens, want 200", shape, rec.PromptTokens)
			}
		}
	}
	if _, _, err := Calibrate(t.Context(), tokenizerServer(t, "mute")); err == nil || !strings.Contains(err.Error(), "token ids") {
		t.Errorf("a server that does not say: %v", err)
	}
}
