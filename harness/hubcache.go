package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// modelFiles is where the files of a model lie, of which the facts are read: the
// path itself, or for a name on the Hugging Face hub its snapshot in the hub's cache
// on this machine (huggingface_hub's documentation, "Understand caching"):
// models--ORG--NAME/refs/main names the commit, snapshots/COMMIT has the files.
func modelFiles(model string) (string, error) {
	if _, err := os.Stat(model); err == nil {
		return model, nil
	}
	cache := hubCache()
	repo := filepath.Join(cache, "models--"+strings.ReplaceAll(model, "/", "--"))
	commit, err := os.ReadFile(filepath.Join(repo, "refs", "main"))
	dir := filepath.Join(repo, "snapshots", strings.TrimSpace(string(commit)))
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		return "", fmt.Errorf("model %s: neither a path here nor in the hub's cache %s: download it first (hf download %s), or give a folder", model, cache, model)
	}
	return dir, nil
}

func hubCache() string {
	if dir := os.Getenv("HF_HUB_CACHE"); dir != "" {
		return dir
	}
	home := os.Getenv("HF_HOME")
	if home == "" {
		cache := os.Getenv("XDG_CACHE_HOME")
		if cache == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				user = "."
			}
			cache = filepath.Join(user, ".cache")
		}
		home = filepath.Join(cache, "huggingface")
	}
	return filepath.Join(home, "hub")
}
