package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// edge is how much of a file's beginning and end is read: headers and tensor tables
// are at the one, and another training ends in other bytes at the other. Whole files
// of weights would take minutes.
const edge = 1 << 20

// modelFingerprint tells a model from another of the same name: names and sizes of its
// files, and their first and last MiB. "" where its files are not on this machine.
func modelFingerprint(model string) string {
	path, err := modelFiles(model)
	if err != nil {
		return ""
	}
	files := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*")); err != nil { // in order of names
			return ""
		}
	}
	h := sha256.New()
	for _, name := range files {
		if err := addEdges(h, name); err != nil {
			return ""
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// addEdges adds a file's name, size, beginning and end.
func addEdges(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err // a folder in a model's is none of its weights
	}
	fmt.Fprintf(w, "%s %d\n", filepath.Base(name), info.Size())
	if _, err := io.CopyN(w, f, edge); err != nil && err != io.EOF {
		return err
	}
	if info.Size() > 2*edge {
		if _, err := f.Seek(-edge, io.SeekEnd); err != nil {
			return err
		}
	}
	_, err = io.Copy(w, f)
	return err
}
