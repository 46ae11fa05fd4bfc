package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
	"harness/results"
	"harness/results/report"
)

func (a *app) packCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "pack",
		Usage: "merge a study's parts into one file a table; it can go on, and be packed again",
		Flags: []cli.Flag{studyFlag, jsonFlag},
		Action: func(c *cli.Context) error {
			dir, err := studyDir(c)
			if err != nil {
				return err
			}
			lock, err := study.ReadLock(dir)
			if err != nil {
				return err
			}
			return a.pack(results.Store{Dir: dir, StudyID: lock.ID}, c.Bool("json"))
		},
	}, false)
}

// packedJSON is the shape of one table in `harness pack --json`.
type packedJSON struct {
	Table       string `json:"table"`
	Files       int    `json:"files"` // merged now; 0: there was nothing to do
	Rows        int64  `json:"rows"`
	BytesBefore int64  `json:"bytes_before"`
	Bytes       int64  `json:"bytes"`
}

func (a *app) pack(store results.Store, asJSON bool) error {
	unlock, err := store.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	done, err := store.Pack()
	if err != nil {
		return err
	}
	if asJSON {
		tables := []packedJSON{}
		for _, p := range done {
			tables = append(tables, packedJSON(p))
		}
		return a.printJSON(map[string]any{"study": store.StudyID, "tables": tables})
	}
	tw := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, p := range done {
		if p.Files == 0 {
			fmt.Fprintf(tw, "%s\tnothing to merge\n", p.Table)
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\t-> %s\t%s\t%s -> %s\n", p.Table, report.Plural(p.Files, "file"),
			store.PackedPath(p.Table), report.Plural(int(p.Rows), "row"), bytesText(p.BytesBefore), bytesText(p.Bytes))
	}
	return tw.Flush()
}

// bytesText writes a size with a fitting unit.
func bytesText(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	default:
		return fmt.Sprintf("%d MB", n/1_000_000)
	}
}
