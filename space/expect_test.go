package space

import (
	"strings"
	"testing"
)

func TestCompareReport(t *testing.T) {
	sglang := compile(t, "sglang", Options{Facts: llama8()})
	llama := compile(t, "llamacpp-cpu", Options{Facts: map[string]Value{"cpu_physical": Int(4)}})
	tp2 := Config{"tp_size": Int(2), "moe_a2a_backend": String("none_")}
	for _, tt := range []struct {
		name     string
		l        *Lattice
		config   Config
		report   string
		log      string
		compared int
		want     string
	}{
		{"as expected", sglang, tp2, `{"/server_info": {"tp_size": 2, "page_size": 1, "attention_backend": "fa3", "moe_a2a_backend": "none", "hicache_ratio": 2.0}}`, "", 5, ""},
		{"other values", sglang, tp2, `{"/server_info": {"tp_size": 4, "attention_backend": "triton"}}`, "", 2, "attention_backend fa3 triton, tp_size 2 4"},
		{"one number in two spellings", sglang, tp2, `{"tp_size": 2.0}`, "", 1, ""},
		{"the first path wins", sglang, tp2, `{"cuda_graph_config": {"decode": {"max_bs": 256}}, "cuda_graph_max_bs_decode": null}`, "", 1, ""},
		{"the outermost key wins", sglang, tp2, `{"a": {"tp_size": 8}, "tp_size": 2}`, "", 1, ""},
		{"no prediction, no difference", sglang, tp2, `{"max_running_requests": 4096}`, "", 0, ""},
		{"not one value", sglang, tp2, `{"tp_size": [2]}`, "", 0, ""},
		{"nothing told", sglang, tp2, "", "ready", 0, ""},
		{"by the log", llama, nil, `{"/props": {"total_slots": 4}}`,
			"I cmn init: llama threadpool init, n_threads = 4\nI srv load_model: initializing, n_slots = 4, n_ctx_slot = 8192, kv_unified = 'true'\n", 3, ""},
		{"the log differs", llama, Config{"cache_type_v": String("q8_0"), "threads": Int(2), "batch_size": Int(16)}, "",
			"threadpool init, n_threads = 3\nllama_context: n_batch               = 16\nllama_context: n_ubatch              = 512\nllama_context: flash_attn            = disabled\n", 4,
			"flash_attn on off, threads 2 3, ubatch_size 16 512"},
		{"the log's first word counts", llama, Config{"threads": Int(2)}, "", "threadpool init, n_threads = 2\nthreadpool init, n_threads = 8\n", 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expected := tt.l.Spec().Expectations(tt.l.Check(tt.config).Canonical)
			got, compared, err := CompareReport(expected, []byte(tt.report), []byte(tt.log))
			var texts []string
			for _, d := range got {
				texts = append(texts, d.Param+" "+d.Expected.String()+" "+d.Reported.String())
			}
			if err != nil || compared != tt.compared || strings.Join(texts, ", ") != tt.want {
				t.Errorf("%v of %d, %v: want %s of %d", texts, compared, err, tt.want, tt.compared)
			}
		})
	}
	if _, _, err := CompareReport(nil, []byte("<html>"), nil); err == nil {
		t.Error("no error for what is no JSON")
	}
}

func TestSpellingOfGroups(t *testing.T) {
	known := map[string]bool{"--compilation-config": true, "--max-num-seqs": true}
	s, err := Load("vllm")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.FlagsOf(known), " "); got != "--compilation-config.cudagraph_mode --max-num-seqs" {
		t.Error(got)
	}
}
