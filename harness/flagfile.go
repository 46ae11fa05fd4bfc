package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"
)

// fileFlag is of every command that has flags.
var fileFlag = &cli.StringFlag{Name: "file", Usage: "take flags from a YAML `FILE`, NAME: VALUE; a section named as a command is for it alone, and what is given here goes first"}

// readFlagFile sets the flags that --file gives and the command line does not. One file
// may serve several commands: what is in no section counts for each command that has
// such a flag, and must be a flag of some.
func readFlagFile(c *cli.Context) error {
	path := c.String(fileFlag.Name)
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return usagef("--file: %v", err)
	}
	var doc yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(data, &doc, yaml.Strict(), yaml.UseOrderedMap()); err != nil {
		return usagef("--file %s: %v", path, err)
	}
	// What a command's own section says counts before what stands for all.
	var own, all yaml.MapSlice
	for _, item := range doc {
		name := fmt.Sprint(item.Key)
		section, isSection := item.Value.(yaml.MapSlice)
		switch {
		case !isSection:
			all = append(all, item)
		case c.App.Command(name) == nil:
			return usagef("--file %s: %s holds a section, and is no command", path, name)
		case name == strings.Fields(c.Command.HelpName)[1]:
			own = append(own, section...)
		}
	}
	given := c.FlagNames()
	for i, part := range []yaml.MapSlice{own, all} {
		for _, item := range part {
			name := fmt.Sprint(item.Key)
			switch {
			case !hasFlag(c.Command.Flags, name):
				if i == 0 || !anyCommandHas(c.App.Commands, name) {
					return usagef("--file %s: %s: no such flag: did you mean %s?", path, name, cli.SuggestFlag(c.Command.Flags, name, true))
				}
			case slices.Contains(given, name):
			default:
				if err := setFlagFrom(c, name, item.Value); err != nil {
					return usagef("--file %s: %s: %v: %v", path, name, item.Value, err)
				}
			}
		}
		given = c.FlagNames()
	}
	return nil
}

// setFlagFrom gives a flag the value of a file; a list is a flag that is repeated, or a
// list with commas where it is not.
func setFlagFrom(c *cli.Context, name string, value any) error {
	switch v := value.(type) {
	case nil:
		return fmt.Errorf("has no value")
	case []any:
		var texts []string
		for _, e := range v {
			if _, nested := e.([]any); nested || e == nil {
				return fmt.Errorf("a list of plain values is wanted")
			}
			texts = append(texts, fmt.Sprint(e))
		}
		if _, repeatable := c.Value(name).(cli.StringSlice); !repeatable {
			if _, repeatable = c.Value(name).([]string); !repeatable {
				return c.Set(name, strings.Join(texts, ","))
			}
		}
		for _, t := range texts {
			if err := c.Set(name, t); err != nil {
				return err
			}
		}
		return nil
	}
	return c.Set(name, fmt.Sprint(value))
}

func hasFlag(flags []cli.Flag, name string) bool {
	return name != fileFlag.Name && slices.ContainsFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

func anyCommandHas(commands []*cli.Command, name string) bool {
	return slices.ContainsFunc(commands, func(c *cli.Command) bool {
		return hasFlag(c.Flags, name) || anyCommandHas(c.Subcommands, name)
	})
}
