package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModelFiles(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HF_HUB_CACHE", "")
	t.Setenv("HF_HOME", home)
	repo := filepath.Join(home, "hub", "models--org--name")
	snapshot := filepath.Join(repo, "snapshots", "abc123")
	for _, dir := range []string{snapshot, filepath.Join(repo, "refs")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(repo, "refs", "main"), []byte("abc123\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := modelFiles("org/name"); err != nil || got != snapshot {
		t.Errorf("a name in the cache: %q, %v; want %q", got, err, snapshot)
	}
	if got, err := modelFiles(home); err != nil || got != home {
		t.Errorf("a path: %q, %v", got, err)
	}
	for _, gone := range []string{"org/other", "/nowhere/at/all"} {
		if _, err := modelFiles(gone); err == nil || !strings.Contains(err.Error(), gone) {
			t.Errorf("%s: %v, want an error that names it", gone, err)
		}
	}
	t.Setenv("HF_HUB_CACHE", filepath.Join(home, "elsewhere"))
	if _, err := modelFiles("org/name"); err == nil || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("another cache: %v, want an error that names it", err)
	}
}
