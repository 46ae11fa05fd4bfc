package report

import "harness/results"

// Page is what the HTML page of a study is made from: rows, and what only others know
// of the study, as plain values. The flow is Page -> document (pure but for the raw
// requests, samples and logs that it reads from Store) -> HTML.
type Page struct {
	Title     string // of the browser's tab: the study's name
	Engine    string // with its version
	Model     string
	Simulated bool
	Warnings  []string          // first on the page
	Default   map[string]string // the text of each parameter's default
	Trials    []results.Trial
	Runs      []results.Run
	Front     Front
	Store     results.Store // requests, samples and logs of single trials are read from it

	Lattice     Lattice
	Effects     []Effect
	EffectsNote string // what the effects come from, or why there are none
	Noise       []Noise
	NoiseNotes  []string
	Method      []Item // how it was measured, in words
	Live        string // "": a file; else which state of the study this is: the page asks its server's events for newer ones
}

// Item is a line of words under a name.
type Item struct{ Name, Text string }

// Noise is how much an objective varies without a cause of ours, in words.
type Noise struct{ Load, Metric, Runs, Launches string }

// Lattice says how many configs a space has, and what its rules remove.
type Lattice struct {
	Space      string
	Raw, Valid string // decimal
	Rules      []Rule
}

// Rule is a rule of the space that removes configs.
type Rule struct {
	ID, Class string
	Text      string  // what must hold
	Evidence  string  // where that is known from
	Removes   string  // configs of all raw ones that it removes alone; decimal
	Share     float64 // of them
}

// Effect is what a model of the measurements says of one parameter at one load point.
type Effect struct {
	Param     string
	Load      string
	Objective int // of the aim's two
	// Factor is by how much the parameter moves the objective: the standard deviation
	// of its log over the parameter's values, as a factor of 1 or more.
	Factor Span
	Values []ValueEffect
}

// ValueEffect is one value of a parameter against the default.
type ValueEffect struct {
	Value    string
	Ratio    Span // of the objective with this value to that with the default, all else alike
	Configs  int  // that were measured with it
	Standard bool // it is the default
}

// Span is a number with a 95 % interval.
type Span struct{ Value, Low, High float64 }
