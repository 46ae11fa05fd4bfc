package space

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"testing"
)

// verdictTable holds what SGLang's own argument code said of configurations; see
// testdata/README.md. HARNESS_VERDICTS names another table of the same form.
const verdictTable = "testdata/verdicts_sglang.jsonl.gz"

// A verdictRow is one configuration. Auto and Rewritten are what the code made of
// parameters that were left out, and of such that were given.
type verdictRow struct {
	ID        string           `json:"id"`
	Model     string           `json:"model"`
	Config    Config           `json:"cfg"`
	Verdict   string           `json:"v"`
	At        string           `json:"at"`
	Message   string           `json:"msg"`
	Auto      map[string]Value `json:"auto"`
	Rewritten map[string]Value `json:"rw"`
}

// kernelRules hold although the argument code does not check them: what they
// forbid dies in a kernel or in the model's code.
var kernelRules = []string{"DPATTN_MODEL", "FA4_MLA_ARCH"}

func readVerdicts(tb testing.TB) []verdictRow {
	tb.Helper()
	f, err := os.Open(cmp.Or(os.Getenv("HARNESS_VERDICTS"), verdictTable))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	var rows []verdictRow
	for in := bufio.NewScanner(z); in.Scan(); {
		var row verdictRow
		if err := json.Unmarshal(in.Bytes(), &row); err != nil {
			tb.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// verdictFacts are those of the three models of the table, without what only the
// architecture's name tells.
func verdictFacts() map[string]map[string]Value {
	facts := map[string]map[string]Value{"dense": llama8(), "moe": llama8(), "mla": llama8()}
	for _, f := range facts {
		maps.DeleteFunc(f, func(name string, _ Value) bool {
			return slices.Contains([]string{"has_draft_model", "eagle_topk_auto", "default_attn_known"}, name)
		})
	}
	maps.Copy(facts["moe"], map[string]Value{"is_moe": Bool(true), "tbo_model_ok": Bool(true), "dp_attention_ok": Bool(true),
		"num_layers": Int(48), "num_kv_heads": Int(4), "weight_mib": Int(58250)})
	maps.Copy(facts["mla"], map[string]Value{"is_mla": Bool(true), "is_moe": Bool(true), "tbo_model_ok": Bool(true), "dp_attention_ok": Bool(true),
		"kv_lora_rank": Int(512), "qk_rope_head_dim": Int(64), "num_layers": Int(27), "num_attention_heads": Int(16), "num_kv_heads": Int(16),
		"head_dim": Int(192), "v_head_dim": Int(128), "weight_mib": Int(29960)})
	return facts
}

func TestVerdictsOfTheRealCode(t *testing.T) {
	rows := readVerdicts(t)
	for model, facts := range verdictFacts() {
		l := compile(t, "sglang", Options{Facts: facts})
		judged, agreed, values := 0, 0, 0
		wrong := map[string]int{}   // values that differ, by name
		told := map[string]int{}    // values that the code filled in or changed, by name
		missed := map[string]int{}  // those of them that differ
		refused := map[string]int{} // rules that refuse what the code accepts
		for _, row := range rows {
			if row.Model != model {
				continue
			}
			v := l.Check(row.Config)
			var broken []string
			for _, r := range v.Reasons {
				if (r.Class == Hard || r.Class == Domain) && !slices.Contains(kernelRules, r.Rule) {
					broken = append(broken, r.Rule)
				}
			}
			judged++
			if (len(broken) == 0) == (row.Verdict == "ok") {
				agreed++
			} else if len(broken) > 0 {
				refused[fmt.Sprint(broken)]++
			} else {
				t.Logf("%s %s: not refused, but %s %s", model, row.ID, row.At, row.Message)
			}
			kept := Config{} // what was given and is not named as changed
			if row.Auto != nil {
				kept = maps.Clone(row.Config)
				maps.DeleteFunc(kept, func(name string, _ Value) bool { _, changed := row.Rewritten[name]; return changed })
			}
			for i, want := range []map[string]Value{row.Auto, row.Rewritten, kept} {
				for name, value := range want {
					values++
					if i < 2 {
						told[name]++
					}
					if got, known := v.Canonical[name]; !known || !near(got, value) {
						wrong[name]++
						if i < 2 {
							missed[name]++
						}
						if testing.Verbose() && wrong[name] < 4 {
							t.Logf("%s %s: %s is %s, want %s: %s", model, row.ID, name, got, value, row.Config)
						}
					}
				}
			}
		}
		differ := 0
		for _, n := range wrong {
			differ += n
		}
		t.Logf("%s: %d of %d verdicts agree, %d of %d values differ: %v", model, agreed, judged, differ, values, wrong)
		if judged < 100 || agreed < judged {
			t.Errorf("%s: %d of %d verdicts agree; refused although accepted: %v", model, agreed, judged, refused)
		}
		if len(told) < 20 || len(missed) > 0 {
			t.Errorf("%s: values that the code filled in or changed differ: %v of %v", model, missed, told)
		}
		if values < 1000 || differ*100 > values {
			t.Errorf("%s: %d of %d effective values differ: %v", model, differ, values, wrong)
		}
	}
}

// near takes two numbers as equal that differ by rounding alone.
func near(a, b Value) bool {
	x, ok1 := a.AsFloat()
	y, ok2 := b.AsFloat()
	return a == b || ok1 && ok2 && math.Abs(x-y) <= 1e-9*max(1, math.Abs(x))
}
