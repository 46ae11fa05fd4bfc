package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/space"
)

func (a *app) spaceDiffCommand() *cli.Command {
	flags := slices.DeleteFunc(slices.Clone(latticeFlags), func(f cli.Flag) bool { return f == spaceFlag })
	return command(&cli.Command{
		Name:  "diff",
		Usage: "A B: how two spaces, built in or files, differ under the same facts",
		Flags: append(flags, &cli.IntFlag{Name: "n", Usage: "how many configs of each the other judges", Value: 2000}, seedFlag, jsonFlag),
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 2 {
				return usagef("want two spaces, A and B, after the flags: %s, or YAML files", strings.Join(space.Names(), ", "))
			}
			if err := positive(c, "n"); err != nil {
				return err
			}
			return a.spaceDiff(c, c.Args().Get(0), c.Args().Get(1))
		}}, true)
}

func (a *app) spaceDiff(c *cli.Context, nameA, nameB string) error {
	o, err := readLatticeOptions(c)
	if err != nil {
		return err
	}
	names, given := []string{nameA, nameB}, o.facts
	var specs []*space.Spec
	for _, name := range names {
		spec, err := space.Load(name)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		specs = append(specs, spec)
	}
	var lattices []*space.Lattice
	for i, name := range names {
		o.space, o.facts = name, maps.Clone(given)
		maps.DeleteFunc(o.facts, func(fact string, _ space.Value) bool { // only the other one has it
			return !hasFact(specs[i], fact) && hasFact(specs[1-i], fact)
		})
		l, _, err := a.compileOptions(o, "")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		lattices = append(lattices, l)
	}
	d := space.Compare(lattices[0], lattices[1], c.Int("n"), rand.New(rand.NewPCG(c.Uint64("seed"), 0)))
	if c.Bool("json") {
		return a.printJSON(d)
	}
	printDiff(a.stdout, d)
	return nil
}

// printDiff says what only A has (-), what only B has (+) and what is another (~).
func printDiff(out io.Writer, d space.Diff) {
	fmt.Fprintf(out, "valid configs: A %s, B %s\n", group(d.CountA), group(d.CountB))
	list := func(what, sign string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(out, "%s %s %s\n", sign, what, strings.Join(names, ", "))
		}
	}
	list("parameters", "-", d.OnlyA)
	list("parameters", "+", d.OnlyB)
	for _, p := range d.Params {
		var parts []string
		for sign, values := range map[string][]space.Value{"-": p.ValuesOnlyA, "+": p.ValuesOnlyB} {
			for _, v := range values {
				parts = append(parts, sign+v.String())
			}
		}
		slices.SortStableFunc(parts, func(x, y string) int { return cmp.Compare(y[0], x[0]) })
		if p.Default != "" {
			parts = append(parts, "default "+p.Default)
		}
		if p.Flag != "" {
			parts = append(parts, "flag "+p.Flag)
		}
		fmt.Fprintf(out, "~ %s: %s\n", p.Name, strings.Join(parts, ", "))
	}
	list("rules", "-", d.RulesOnlyA)
	list("rules", "+", d.RulesOnlyB)
	for _, r := range d.RulesChanged {
		fmt.Fprintf(out, "~ rule %s\n    A: %s\n    B: %s\n", r.ID, r.A, r.B)
	}
	refused := func(by, of string, n int, reasons map[string]int) {
		fmt.Fprintf(out, "%s refuses %d of %d uniform configs of %s", by, n, d.Sampled, of)
		names := slices.SortedFunc(maps.Keys(reasons), func(x, y string) int {
			return cmp.Or(cmp.Compare(reasons[y], reasons[x]), cmp.Compare(x, y))
		})
		for i, name := range names {
			fmt.Fprintf(out, "%s%s %d", map[bool]string{true: ": ", false: ", "}[i == 0], name, reasons[name])
		}
		fmt.Fprintln(out)
	}
	refused("B", "A", d.RefusedByB, d.ReasonsB)
	refused("A", "B", d.RefusedByA, d.ReasonsA)
}
