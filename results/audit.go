package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Audit looks for what reading trials and runs does not show: damaged or foreign
// requests and samples, runs whose requests are gone, requests of a run that was not
// finished. runs are those that Runs gave. It also removes files that a writer which was
// killed left half written, so that the caller must hold the study's lock.
func (s Store) Audit(runs []Run) (bad []*BadPart, err error) {
	for _, d := range append([]string{plansDir}, tableDirs...) {
		if err := sweepTemporary(filepath.Join(s.Dir, d)); err != nil {
			return nil, err
		}
	}
	requests, bad, err := s.audit(requestsDir)
	if err != nil {
		return bad, err
	}
	_, badSamples, err := s.audit(samplesDir)
	bad = append(bad, badSamples...)
	known := map[string]bool{}
	for _, r := range runs {
		known[r.RunID] = true
		if r.Requests > 0 && !requests[r.RunID] {
			bad = append(bad, &BadPart{s.holds(runsDir, r.RunID), "its requests are gone"})
		}
	}
	for id := range requests {
		if path := s.holds(requestsDir, id); !known[id] {
			bad = append(bad, &BadPart{path, "the run that it is of has no row: it was not finished, or the row is gone"})
		}
	}
	return bad, err
}

// audit reads every file of a table through, and returns the parts that are there and
// whole.
func (s Store) audit(table string) (whole map[string]bool, bad []*BadPart, err error) {
	ids, packed, err := s.ids(table)
	if err != nil {
		return nil, nil, err
	}
	if packed {
		ids = append(ids, packedID)
	}
	lists, errs := make([][]string, len(ids)), make([]error, len(ids))
	parallel(len(ids), func(i int) { lists[i], errs[i] = s.auditFile(table, ids[i]) })
	whole = map[string]bool{}
	for i := range ids {
		var b *BadPart
		switch {
		case errors.As(errs[i], &b):
			bad = append(bad, b)
		case errs[i] != nil:
			return nil, nil, errs[i]
		}
		for _, id := range lists[i] {
			whole[id] = true
		}
	}
	return whole, bad, nil
}

// auditFile returns the parts whose rows a file holds.
func (s Store) auditFile(table, id string) ([]string, error) {
	p, err := openPart(s.part(table, id))
	if err != nil {
		return nil, err
	}
	defer p.Close()
	list, err := p.spans(table)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, sp := range list {
		if err := s.belongs(p, id, sp.id, sp.study); err != nil {
			return nil, err
		}
		ids = append(ids, sp.id)
	}
	if id != packedID && len(ids) == 0 {
		ids = []string{id} // a run without a request
	}
	return ids, nil
}

// holds is the file that a part's rows are in.
func (s Store) holds(table, id string) string {
	if path := s.part(table, id); exists(path) {
		return path
	}
	return s.part(table, packedID)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// SetAside moves a part that cannot be used to the folder damaged, so that its row is
// measured again and the evidence stays, and returns its new path. A packed file is not
// set aside: with it all that a study measured would be measured again.
func (s Store) SetAside(b *BadPart) (path string, err error) {
	table, name := filepath.Base(filepath.Dir(b.Path)), filepath.Base(b.Path)
	if name == packedID+partSuffix {
		return "", fmt.Errorf("%w: all of the study's %s are in it: restore it from a copy, or move it away to have them measured again", b, table)
	}
	dir := filepath.Join(s.Dir, damagedDir, table)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(dir, name)
	for i := 2; exists(path); i++ {
		path = filepath.Join(dir, fmt.Sprintf("%s.%d", name, i))
	}
	if err := os.Rename(b.Path, path); err != nil {
		return "", err
	}
	if err := syncDir(dir); err != nil {
		return "", err
	}
	return path, syncDir(filepath.Dir(b.Path))
}
