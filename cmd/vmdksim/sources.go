package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hashMark begins the line of a generated page that the hash of its sources stands on.
const hashMark = "Hash of the sources: "

// sourceHash is the hash of the files below root that match any of the patterns; tests do not count.
func sourceHash(root string, patterns []string) (string, error) {
	var paths []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(found) == 0 {
			return "", fmt.Errorf("no %s below %s: is this the source of vmdkvol?", pattern, root)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	h := sha256.New()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.ToSlash(name), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}
