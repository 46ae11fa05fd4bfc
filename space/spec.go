package space

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind says how the values of a parameter relate to each other.
type Kind uint8

// The kinds of parameters.
const (
	Categorical Kind = iota // no order
	Ordinal                 // in the order of Values: ints, grids of floats, and log_integer of a spec
	Boolean                 // false and true
)

// String is the name of k in a spec.
func (k Kind) String() string { return [...]string{"categorical", "ordinal", "bool"}[k] }

// Classes of rules. Hard and memory rules prune; rewrite and inactive ones say
// which configurations are the same server; soft ones only inform.
const (
	Hard     = "hard"     // the server refuses or dies
	Memory   = "memory"   // an estimate says that it cannot fit
	Rewrite  = "rewrite"  // the server changes the value by itself
	Inactive = "inactive" // the value cannot matter
	Soft     = "soft"     // a prior
	Domain   = "domain"   // in a Verdict: a name or value that the spec does not have
	Unknown  = "unknown"  // in a Verdict: a rule that needs a fact which is not known
)

// Param is one flag of the server.
type Param struct {
	Name         string
	Flag         string
	LegacyFlag   string // the flag's older spelling; "" = none
	LegacyBefore string // first release without it, or with Flag beside it
	OffFlag      string // passed for false; "" = false passes nothing
	Aliases      []string
	Kind         Kind
	Values       []Value           // at most 255; none = the flag is not passed
	Default      Value             // one of Values
	ValueMap     map[string]string // a value's text to its spelling on the command line
	Impact       int               // draft order of the expected effect, 1 = largest; 0 = not judged
	Quality      bool              // may change what the model answers, not only how fast
	Since        string            // first release with the flag; "" = not known
	Until        string            // last one; "" = still there
	Evidence     string            // file and line of the engine, or what was run
	Note         string
	activeIf     formula // unless it holds, the value cannot matter; its expr may be nil
}

// Fact is something given: by the machine, the model or the workload.
type Fact struct {
	Name    string
	Type    string // int, float, bool or string
	Default *Value // nil: must be given where a rule needs it
	// CheckDefault is what Check takes instead of Default: who asks about a
	// configuration is believed to have what it needs. nil: Default.
	CheckDefault *Value
	Min          *float64
	Max          *float64
	From         string // where it comes from
	Note         string
}

// Rule is one constraint of a spec.
type Rule struct {
	ID       string
	Class    string // Hard, Memory, Rewrite, Inactive or Soft
	Expr     string // of hard, memory and soft rules: what must hold
	When     string // of rewrite and inactive rules: when they apply
	Sets     string // what a rewrite sets, or the parameter that is inactive; to be read, not parsed
	Evidence string
	Note     string
	expr     formula
	when     formula
	sets     []assignment // of rewrite and inactive rules
}

// An assignment gives a parameter a value.
type assignment struct {
	param int
	value formula
}

// Spec is what is known of one engine: its flags, the rules between them and how
// to run it. Load and Parse return checked ones; a Spec does not change after that.
type Spec struct {
	Name      string
	Engine    string
	Source    []byte // the YAML that it was read from
	Hash      string // hex SHA-256 of Source
	About     string
	Params    []Param
	Facts     []Fact
	Rules     []Rule
	Tune      []string // parameters tuned when nothing else is asked for
	FixedArgs []string // always passed
	Server    Server

	derived   []derived
	effective []effectiveValue
	devices   formula               // how many GPUs a configuration takes; its expr is nil where the spec does not say
	reported  map[string][][]string // parameter to the keys of its value in what the server reports; the first that is there counts
	logged    map[string]logged
	names     map[string]entry
}

// An effectiveValue is what the engine makes of a configuration, under the name
// of a parameter or one of its own.
type effectiveValue struct {
	name string
	formula
}

// logged is how the server's log tells a parameter's value.
type logged struct {
	pattern string            // regexp with one group
	spelled map[string]string // what the log calls a value, by the spec's name for it
}

// A derived value is a named expression; others can use it.
type derived struct {
	name string
	formula
}

// An entry says what a name of the spec means, and its index among its like.
type entry struct {
	kind  entryKind
	index int
}

type entryKind uint8

const (
	isParam entryKind = iota
	isFact
	isDerived
)

//go:embed specs/*.yaml
var builtin embed.FS

// Names are the built-in specs.
func Names() []string { return []string{"sglang18", "sglang", "vllm", "llamacpp", "llamacpp-cpu"} }

// Load reads a built-in spec by name, or a YAML file by path.
func Load(nameOrPath string) (*Spec, error) {
	if slices.Contains(Names(), nameOrPath) {
		file := "specs/" + nameOrPath + ".yaml"
		data, err := builtin.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return Parse(file, data)
	}
	data, err := os.ReadFile(nameOrPath)
	if err != nil {
		if !strings.ContainsAny(nameOrPath, "./"+string(filepath.Separator)) {
			return nil, fmt.Errorf("unknown space %q%s (built in: %s; or the path of a YAML file)",
				nameOrPath, didYouMean(nameOrPath, Names()), strings.Join(Names(), ", "))
		}
		return nil, fmt.Errorf("space: %w", err)
	}
	return Parse(nameOrPath, data)
}

// Parse reads a spec from YAML. The filename is for errors, and its base without
// extension names the Spec. The error joins all faults of the file, each with
// file, line, column and excerpt.
func Parse(filename string, yaml []byte) (*Spec, error) {
	d, body := openDocument(filename, yaml)
	if err := d.err(); err != nil {
		return nil, err
	}
	hash := sha256.Sum256(yaml)
	s := &Spec{
		Name:   strings.TrimSuffix(filepath.Base(filename), filepath.Ext(filename)),
		Source: yaml, Hash: hex.EncodeToString(hash[:]), names: map[string]entry{},
	}
	d.spec(body, s)
	checkSpec(d, s)
	if err := d.err(); err != nil {
		return nil, err
	}
	return s, nil
}

// index is the place of a parameter in Params, or -1.
func (s *Spec) index(name string) int {
	if e, ok := s.names[name]; ok && e.kind == isParam {
		return e.index
	}
	return -1
}

// Args are the command-line flags of c: the fixed ones, then each parameter for
// which tuned holds, in the order of Params. None passes nothing; true passes the
// flag alone, false the off flag where there is one.
func (s *Spec) Args(c Config, tuned func(name string) bool) []string {
	return appendArgs(slices.Clone(s.FixedArgs), s.Params, c, tuned)
}

func appendArgs(args []string, params []Param, c Config, tuned func(name string) bool) []string {
	for i := range params {
		p := &params[i]
		v, given := c[p.Name]
		if !given || v.IsNone() || !tuned(p.Name) {
			continue
		}
		on, isBool := v.AsBool()
		text, mapped := p.ValueMap[v.String()]
		switch {
		case mapped:
			args = append(args, p.Flag, text)
		case isBool && on:
			args = append(args, p.Flag)
		case isBool && p.OffFlag != "":
			args = append(args, p.OffFlag)
		case !isBool:
			args = append(args, p.Flag, v.String())
		}
	}
	return args
}
