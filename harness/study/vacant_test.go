package study

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harness/results"
)

// A sweep that was killed while it made its study begins it when it is given again; a
// folder with anything else in it is left alone.
func TestStudyBeginsWhereOneWasHalfMade(t *testing.T) {
	t.Parallel()
	all := strings.Join(results.Folders, "/ ") + "/"
	for _, tt := range []struct {
		holds  string // names; those that end in a slash are folders
		vacant bool
	}{
		{"", true},
		{"trials/", true},
		{all, true},
		{all + " space.yaml", true},
		{all + " space.yaml .study.json", true},
		{"space.yaml", false},
		{"trials/ space.yaml", false},
		{all + " notes.txt", false},
		{"photos/", false},
		{all + " runs/t0001-c1-r1.parquet", false},
		{all + " space.yaml study.json", false},
	} {
		t.Run(tt.holds, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range strings.Fields(tt.holds) {
				path := filepath.Join(dir, name)
				var err error
				if strings.HasSuffix(name, "/") {
					err = os.Mkdir(path, 0o755)
				} else {
					err = os.WriteFile(path, []byte("half"), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			spec := parseSpec(t, testSpec)
			lattice := compileSpec(t, spec)
			_, err := Create(dir, testLock(spec, lattice), spec, lattice)
			if made := err == nil; made != tt.vacant {
				t.Fatalf("made: %v (%v), want %v", made, err, tt.vacant)
			}
			if tt.vacant {
				if _, err := Open(dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if !Vacant(filepath.Join(t.TempDir(), "missing")) {
		t.Error("a folder that is not there is not vacant")
	}
}
