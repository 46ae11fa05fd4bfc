// Package space knows which configurations an inference server has: how many are
// valid, which one is the n-th, why one is not, and which mean the same server.
//
// The stages, in order:
//
//	YAML -> Spec        specfile.go, checkspec.go: strict, all faults at once;
//	                    or rows.go: a space that is given by its members
//	Spec -> Lattice     fold.go, order.go, build.go, compile.go: facts are folded in, each
//	                    rule becomes a decision diagram; join.go, sift.go: these are
//	                    joined, and the order of the parameters is mended
//	Lattice -> answers  layers.go, lattice.go, count.go: count, rank, unrank, sample,
//	                    neighbours, repair
//	Config -> Verdict   judge.go, check.go, checkline.go, explain.go: the rules on one
//	                    configuration, of any values of the spec; effective values
//	reports -> Lessons  learn.go: what servers said of themselves against what was expected
//
// Everything is exact and nothing is enumerated: a lattice of 10^17 members is a
// diagram of some thousand nodes. Numbers of configurations are 128 bit.
//
// # Expressions
//
// Rules are written in a small typed language:
//
//	literals      1  2.5  'text'  true  false  none        lists after in: [a, b]
//	operators     or  and  not  == != < <= > >= in  + -  * / // %   (weakest first; // and % round down)
//	functions     iff(c, a, b)  coalesce(a, b, ...)  max  min  ceil_div(a, b)
//
// Comparisons chain (1 <= a < b). and, or, iff and coalesce take their later
// operands only where they need them, so they can guard what would fail: none is
// no number, so write `a == none or a > 2`. A rule that fails on any raw
// configuration is an error at compilation, but for a soft rule, which says
// nothing there. Names are parameters, facts and derived values.
//
// # Effective values
//
// The section effective of a spec says what the engine makes of a configuration: an
// expression for each parameter that is not simply what was passed, and for values
// that have no flag. Check shows them; no rule and no rank depends on them. The
// section reported says under which keys a server reports them, so that launches
// can be held against them (CompareReport, Learn).
//
// The section devices is an expression too: how many GPUs a configuration takes, so
// that several trials can run beside each other (Lattice.Devices).
//
// # What is the same server
//
// Three kinds of rule say that a value will not be what was passed: a rewrite (when,
// set), an inactive parameter (when, param: it gets its default) and a parameter's
// active_if (where it does not hold: its default). Where such a rule applies:
//
//   - if the target is one of the parameter's values, only configurations that
//     already have it are members;
//   - if it is not, all values with that same target are one server, of which
//     one is a member: the default if it is among them, else the first;
//   - a rewrite of several parameters applies only where all of its targets are
//     values, and then to all at once.
//
// Canon applies these rules in file order (active_if last, in order of the
// parameters), again and again until nothing changes. Members are exactly the
// configurations that satisfy all hard and memory rules and that Canon leaves as
// they are. It follows that no two members differ in one parameter only and have
// the same effective value there. That Canon of every valid configuration is a
// member, and that no two members mean the same server, takes three things of a
// spec, which are tested for the built-in ones by sampling and by enumerating the
// parameters that interact:
//
//   - the rules settle: none undoes what another does;
//   - what is canonical is valid: a hard or memory rule that holds for a
//     configuration holds for its canonical form;
//   - a target outside of a parameter's values depends on no other parameter
//     that has such a target at the same time.
package space
