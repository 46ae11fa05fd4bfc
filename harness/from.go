package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
)

// fromFlag names what a study builds on.
var fromFlag = &cli.StringFlag{Name: "from", Usage: "build on other `STUDIES`, folders with commas between: rows of the same space, machine and workload count as measured here, others as a prior that is dropped where it does not correlate; none: on no other"}

// readFrom looks at the studies that a study with this lock is to build on. One that it
// builds on already keeps the rows that count; others count as they are now.
func readFrom(text string, l study.Lock) ([]study.Source, error) {
	if text == "none" {
		return nil, nil
	}
	names := splitList(text)
	if len(names) == 0 {
		return nil, usagef("--from is empty: name folders of studies, or none")
	}
	var list []study.Source
	for _, name := range names {
		s, err := study.NewSource(studyFolder(name), l)
		if err != nil {
			return nil, usagef("--from %s: %w", name, err)
		}
		if slices.ContainsFunc(list, func(o study.Source) bool { return o.Dir == s.Dir }) {
			return nil, usagef("--from: %s is named twice", name)
		}
		if i := slices.IndexFunc(l.From, func(o study.Source) bool { return o.Dir == s.Dir && o.ID == s.ID }); i >= 0 {
			s = l.From[i]
		}
		list = append(list, s)
	}
	return list, nil
}

// studyFolder is a study by its folder, or by its name below the root of studies.
func studyFolder(name string) string {
	if _, err := os.Stat(name); err != nil && !strings.ContainsRune(name, filepath.Separator) {
		return filepath.Join(studiesRoot, name)
	}
	return name
}

// fromText tells what a study builds on, and how.
func fromText(sources []study.Source) string {
	var parts []string
	for _, s := range sources {
		how := "its rows count as measured here"
		if len(s.Differs) > 0 {
			how = "a prior, while it fits, since it differs in " + strings.Join(s.Differs, ", ")
		}
		parts = append(parts, fmt.Sprintf("%s up to %s: %s", s.ID, s.Through, how))
	}
	return strings.Join(parts, "; ")
}
