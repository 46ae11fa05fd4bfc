package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"harness/space"
)

// Verdicts come in the order of the lines, whatever the reads cut, and a broken
// line is named and does not end it.
func TestCheckLines(t *testing.T) {
	spec, err := space.Load("sglang18")
	if err != nil {
		t.Fatal(err)
	}
	l, err := spec.Compile(space.Options{Facts: map[string]space.Value{"device_num": space.Int(8)}})
	if err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	const lines = 3000
	for i := 1; i <= lines; i++ {
		switch {
		case i == 7:
			in.WriteString("no config")
		case i == 9:
			in.WriteString(`{"tp_size":` + strings.Repeat("1", maxConfigLine) + "}")
		case i%2 == 0:
			in.WriteString(`{"tp_size":8,"dp_size":8}`)
		default:
			in.WriteString(`{"tp_size":2}`)
		}
		if i < lines {
			in.WriteString("\n")
		}
	}
	var out, log bytes.Buffer
	a := &app{ctx: t.Context(), stdout: &out, stderr: &log}
	bad, err := a.checkLines(iotest.HalfReader(strings.NewReader(in.String())), l, false)
	if err != nil || bad != 2 {
		t.Fatalf("%d bad lines, %v: %s", bad, err, log.String())
	}
	dec := json.NewDecoder(&out)
	for i := 1; i <= lines; i++ {
		var v space.Verdict
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		if want := i%2 == 1 && i != 7 && i != 9; v.OK != want {
			t.Fatalf("line %d: ok is %v", i, v.OK)
		}
		if i == 7 || i == 9 {
			if v.Reasons[0].Rule != "input" || !strings.HasPrefix(v.Reasons[0].Message, fmt.Sprintf("line %d: ", i)) {
				t.Fatalf("line %d: %v", i, v.Reasons)
			}
		}
	}
	if !strings.Contains(log.String(), "line 7: not a config") || !strings.Contains(log.String(), "line 9: longer than") {
		t.Error(log.String())
	}
}
