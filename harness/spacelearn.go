package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
	"harness/results"
	"harness/results/report"
	"harness/space"
)

func (a *app) spaceLearnCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "learn",
		Usage: "STUDY: where servers ran with other values than the space expects, and the rules that would explain it",
		Flags: []cli.Flag{jsonFlag},
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return usagef("want the folder of one study")
			}
			s, err := study.Open(c.Args().First())
			if err != nil {
				return err
			}
			return a.spaceLearn(s, c.Bool("json"))
		}}, true)
}

func (a *app) spaceLearn(s *study.Study, asJSON bool) error {
	trials, bad, err := s.Store.Trials()
	if err != nil {
		return err
	}
	for _, b := range bad {
		fmt.Fprintf(a.stderr, "warning: %v; left out\n", b)
	}
	var launches []space.Observation
	silent := 0
	for _, t := range trials {
		if t.EffectiveCompared == 0 {
			silent++
			continue
		}
		o := space.Observation{Config: configOf(t)}
		for _, d := range t.EffectiveDifferences {
			o.Differences = append(o.Differences, space.Difference{Param: d.Param, Expected: space.ParseValue(d.Expected), Reported: space.ParseValue(d.Reported)})
		}
		launches = append(launches, o)
	}
	lessons := space.Learn(launches)
	if asJSON {
		return a.printJSON(map[string]any{"study": s.Lock.ID, "simulated": s.Lock.Simulated, "launches": len(launches), "not_reported": silent, "lessons": lessons})
	}
	if s.Lock.Simulated {
		fmt.Fprintln(a.stdout, simulatedLine)
	}
	fmt.Fprintf(a.stdout, "%s compared with space %s; %d did not report\n", report.Plural(len(launches), "server"), s.Lock.Space, silent)
	for _, l := range lessons {
		fmt.Fprintf(a.stdout, "\n%s: %s expected, %s reported, in %d of %d\n  %s\n", l.Param, l.Expected, l.Reported, l.Seen, l.Of, l.Rule("study "+s.Lock.ID))
	}
	if len(lessons) == 0 && len(launches) > 0 {
		fmt.Fprintln(a.stdout, "no difference")
	}
	return nil
}

// configOf is a trial's config by the values of its columns.
func configOf(t results.Trial) space.Config {
	c := space.Config{}
	for _, p := range t.Params {
		switch v := p.Value.(type) {
		case nil:
			c[p.Name] = space.None()
		case bool:
			c[p.Name] = space.Bool(v)
		case int64:
			c[p.Name] = space.Int(v)
		case float64:
			c[p.Name] = space.Float(v)
		case string:
			c[p.Name] = space.String(v)
		}
	}
	return c
}
