package space

import (
	"strings"
	"testing"
)

// evalText evaluates an expression with some names: n = 7, f = 0.5, s = 'abc',
// b = true, u = none.
func evalText(t *testing.T, text string) Value {
	t.Helper()
	e, err := parseExpr(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	names := map[string]Value{"n": Int(7), "f": Float(0.5), "s": String("abc"), "b": Bool(true), "u": None()}
	return e.eval(func(e *expr) Value { return names[e.name] })
}

func TestEval(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Value
	}{
		{"1 + 2 * 3", Int(7)},
		{"(1 + 2) * 3", Int(9)},
		{"10 - 4 - 3", Int(3)},
		{"-n + 1", Int(-6)},
		{"7 // 2", Int(3)},
		{"-7 // 2", Int(-4)}, // as Python
		{"7 // -2", Int(-4)},
		{"-7 % 3", Int(2)},
		{"7 % -3", Int(-2)},
		{"-7.5 // 2", Int(-4)},
		{"-7.5 % 2", Float(0.5)},
		{"ceil_div(7, 2)", Int(4)},
		{"ceil_div(-7, 2)", Int(-3)},
		{"ceil_div(7.5, 2)", Int(4)},
		{"7 / 2", Float(3.5)},
		{"8 / 2", Int(4)},
		{"1e3 * 0.5", Int(500)},
		{"9007199254740993 - 1", Int(9007199254740992)}, // exact beyond 2^53
		{"9223372036854775807 + 1", Float(9223372036854775808)},
		{"4294967296 * 4294967296", Float(18446744073709551616)},
		{"max(1, n, 3)", Int(7)},
		{"min(n, f)", Float(0.5)},
		{"iff(b, 1, 1 // 0)", Int(1)},
		{"coalesce(u, u, n)", Int(7)},
		{"coalesce(n, 1 // 0)", Int(7)},
		{"coalesce(u)", None()},
		{"false and 1 // 0 == 1", Bool(false)},
		{"true or 1 // 0 == 1", Bool(true)},
		{"not b or b", Bool(true)},
		{"not n > 3", Bool(false)}, // not binds weaker than comparisons
		{"1 < n < 9", Bool(true)},
		{"1 < n < 7", Bool(false)},
		{"1 == 1.0", Bool(true)},
		{"1 == true", Bool(false)},
		{"u == none", Bool(true)},
		{"u != 3", Bool(true)},
		{"s == 'abc'", Bool(true)},
		{"s < \"abd\"", Bool(true)},
	} {
		if got := evalText(t, tt.text); got != tt.want {
			t.Errorf("%s = %s, want %s", tt.text, got.quoted(), tt.want.quoted())
		}
	}
}

func TestEvalFails(t *testing.T) {
	for text, want := range map[string]string{
		"u + 1":           "+ cannot take none and 1 in u + 1",
		"n // 0":          "// divides 7 by zero",
		"n % (n - 7)":     "% divides 7 by zero in n % (n - 7)",
		"s < 3":           "< cannot take 'abc' and 3",
		"max(s, 'b')":     "max cannot take 'abc' and 'b'",
		"-s":              "- cannot take 'abc'",
		"not n":           "not wants true or false, not 7",
		"b and n":         "and wants true or false, not 7",
		"iff(n, 1, 2)":    "iff wants true or false, not 7",
		"1e308 * 10":      "out of range",
		"(u + 1) + 1":     "+ cannot take none and 1 in u + 1",
		"1 + (s * 2) > 0": "* cannot take 'abc' and 2",
	} {
		if got := evalText(t, text); !got.isError() || !strings.Contains(got.text, want) {
			t.Errorf("%s = %s, want the error %q", text, got.quoted()+got.text, want)
		}
	}
}

func TestParseExprErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "want a value, found end of the expression (column 1)",
		"1 +":                          "want a value, found end of the expression (column 4)",
		"(1":                           `want ")", found end of the expression (column 3)`,
		"1 2":                          `unexpected "2" (column 3)`,
		"a = 1":                        "unexpected '=': equality is == (column 3)",
		"a && b":                       "unexpected '&': write not, and, or (column 3)",
		"'abc":                         "string without an end",
		"3x":                           "neither a number nor a name",
		"sqrt(2)":                      "unknown function sqrt",
		"iff(a, b)":                    "iff takes 3 arguments, not 2",
		"a not b":                      `want "in", found "b" (column 7)`,
		"[1, 2":                        `want "]"`,
		"1e999":                        "number 1e999 is out of range",
		"é":                            "unexpected 'é'",
		"not":                          "want a value",
		"max()":                        "max takes 1 arguments, not 0",
		"a == == b":                    `want a value, found "=="`,
		"coalesce(1,,2":                `want a value, found ","`,
		strings.Repeat("(", 300) + "1": "nested more than 200 deep",
		strings.Repeat("not ", 300):    "nested more than 200 deep",
	} {
		_, err := parseExpr(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: error %v, want %q", text, err, want)
		}
	}
}

// What parses is written as source that parses to the same.
func FuzzParseExpr(f *testing.F) {
	for _, s := range []string{"tp*pp*dp <= 8", "not (a in ['x', b]) or coalesce(c, d, 1) // 2 >= ceil_div(3, -x)", "1 < a <= 3 != none",
		"iff(a, max(1, 2, 3), min(4)) == 'q'", "a not in []", "\"don't\" == s", "1.5e3 + .5", "((((", "- - 1", "a.b", "'\n'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseExpr(text)
		if err != nil {
			if pos := err.(*exprError).pos; pos < 0 || pos > len(text) {
				t.Fatalf("%q: error at %d", text, pos)
			}
			return
		}
		if strings.ContainsAny(text, `"'`) {
			return // a string may hold the quote that it is written with
		}
		again, err := parseExpr(e.String())
		if err != nil && !strings.Contains(err.Error(), "deep") {
			t.Fatalf("%q is written as %q: %v", text, e, err)
		}
		if err == nil && again.String() != e.String() {
			t.Fatalf("%q is written as %q, which is written as %q", text, e, again)
		}
	})
}
