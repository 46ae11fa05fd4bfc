package main

import (
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"harness/harness/engine"
)

// guardName is the command by which this program guards its servers.
const guardName = "guard"

// guardCommand kills a server's process group once the program that started both is
// gone. Nobody types it.
func (a *app) guardCommand() *cli.Command {
	return command(&cli.Command{
		Name:   guardName,
		Hidden: true,
		Action: func(c *cli.Context) error {
			pgid, err := strconv.Atoi(c.Args().First())
			if err != nil || pgid < 2 {
				return usagef("guard needs the number of a process group")
			}
			engine.Guard(os.Stdin, pgid)
			return nil
		},
	}, true)
}
