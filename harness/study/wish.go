package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// wish is goal.json: what the last refinement was asked for and how far that goes, so
// that the same command goes on to the same end after an interruption, and asks for no
// more where all that was left to it was to say so.
type wish struct {
	Trials  int `json:"trials"`  // configs, beyond those that there were
	Confirm int `json:"confirm"` // confirming launches, likewise

	// Total and ConfirmTotal are how many configs of refinements, and how many
	// confirming launches, there will be in all.
	Total        int `json:"total"`
	ConfirmTotal int `json:"confirm_total"`

	Ended string `json:"ended,omitempty"` // why; "": it did not
}

const (
	wishName    = "goal.json"
	tmpWishName = "." + wishName
)

// goesOn reports whether a goal is that of a wish which was not brought to its end.
func (w wish) goesOn(g Goal) bool {
	return w.Trials == g.Trials && w.Confirm == g.Confirm && (w.Ended == "" || w.Ended == Interrupted || w.Ended == OutOfBudget)
}

// readWish reads what the last refinement wanted; the zero wish where there was none.
func (s *Study) readWish() (w wish, known bool, err error) {
	path := filepath.Join(s.Store.Dir, wishName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return wish{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err != nil {
		return wish{}, false, fmt.Errorf("%s: %w: remove it, and the next refinement begins anew", path, err)
	}
	return w, true, nil
}

func (s *Study) writeWish(w wish) error {
	data, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(s.Store.Dir, wishName, tmpWishName, append(data, '\n'))
}

// replaceFile writes a file of a folder whole or not at all.
func replaceFile(dir, name, tmp string, data []byte) error {
	f, err := os.Create(filepath.Join(dir, tmp))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}
