package space

// Server is what must be known to run an engine and to speak to it: the `server`
// section of a spec. Names in braces in the templates are filled in at launch.
type Server struct {
	// Binaries are looked up on PATH in this order when none is given.
	Binaries []string
	// Argv is the command: {bin} {model} {host} {port}; "{flags}" alone expands to
	// the flags of the configuration.
	Argv []string
	// Env is set for the child; UnsetEnv are patterns such as "LLAMA_ARG_*" of
	// variables that it must not inherit.
	Env      map[string]string
	UnsetEnv []string
	// NeedsGPU and NeedsModel say what must be there before a launch.
	NeedsGPU   bool
	NeedsModel bool
	// Version asks the binary for its version.
	Version Probe
	// Help makes the binary print the flags that it knows; nil where it cannot.
	Help []string
	// Ready answers 200 when the server can serve.
	Ready Endpoint
	// API is what a load generator speaks by default: completions, chat, generate
	// (SGLang's own) or completion (llama.cpp's own).
	API string
	// TokenIDs says that a prompt may be a list of token ids; Vocab is the range
	// [lo, hi) of ids that are safe where the model does not say more.
	TokenIDs bool
	Vocab    [2]int
	// Flush empties the prefix cache; nil where the server cannot.
	Flush *Endpoint
	// Info gives the effective configuration as JSON, Metrics Prometheus text.
	Info    []Endpoint
	Metrics *Endpoint
	// ExtraBody is added to the JSON of each request.
	ExtraBody map[string]any
	// StartTimeoutS bounds the time to readiness, StopGraceS the time between
	// SIGTERM and SIGKILL, in seconds.
	StartTimeoutS float64
	StopGraceS    float64
	// StallTimeoutS bounds the time in which a request brings no token, in seconds: then
	// the server counts as hung. 0 = the load generator's own bounds.
	StallTimeoutS float64
	// Failures classify a failed launch or run; the first match wins.
	Failures []FailurePattern
	// Deploy is what `harness export` needs to know beside the rest.
	Deploy Deploy
}

// Deploy says how the engine is run outside of a study.
type Deploy struct {
	// Image and ImageCPU are container images, with and without GPUs; {version} is the
	// group of Version, a regexp on the engine's version. "": none is known.
	Image, ImageCPU string
	Version         string
	Bin             string   // {bin} in the image
	Port            int      // that clients expect
	Config          []string // the command that reads a YAML file of flags, {config}; nil: there is none
	ConfigModel     string   // the model's name in it
	Install         string   // the command that installs the engine, for people
}

// Probe is a command whose output has one interesting part.
type Probe struct {
	Argv    []string // template, as Server.Argv
	Pattern string   // regexp with one group
}

// Endpoint is one HTTP request to a server.
type Endpoint struct {
	Method string
	Path   string
	Expect string // regexp that the body must match; "" = any
}

// FailurePattern maps a line of a server's log, and how the server ended, to a
// failure class. All that is given must match.
type FailurePattern struct {
	Class    string // one of FailureClasses
	Pattern  string // regexp on one log line; "" = any
	Exit     *int   // exit status; nil = any
	Phase    string // start, first_token (the first generation), warmup or run; "" = any
	Evidence string
}
