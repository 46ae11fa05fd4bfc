package main

import (
	"github.com/urfave/cli/v2"

	"harness/harness/sim"
)

// simCommand hands its whole command line to the simulated server, which takes
// SGLang's own flags.
func (a *app) simCommand() *cli.Command {
	return &cli.Command{
		Name:            "sim",
		Usage:           "run the simulated server alone: SGLang's flags and HTTP interface, modelled speeds (sim --help)",
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			if status := sim.Main(a.ctx, c.Args().Slice(), a.stdout, a.stderr); status != 0 {
				return &exitError{status: status}
			}
			return nil
		},
	}
}
