package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// keep makes seeds of those inputs that the fuzzer has found, now or earlier, which reach statements that no seed reaches. It
// returns how many.
func (x *fuzzing) keep(ctx context.Context) (added int, err error) {
	seeds, err := filepath.Abs(filepath.Join(x.source, filepath.FromSlash(fuzzSeeds)))
	if err != nil {
		return 0, err
	}
	cache, err := x.gotool(ctx, nil, "env", "GOCACHE")
	if err != nil {
		return 0, err
	}
	found := filepath.Join(strings.TrimSpace(string(cache)), "fuzz", "vmdkvol", "esxsim", "host", fuzzTarget)
	inputs, err := os.ReadDir(found) // sorted by name
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "vmdksim-fuzz-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "host.test")
	if _, err := x.gotool(ctx, nil, "test", "-c", "-cover", "-coverpkg=./esxsim,./esxsim/host,./driver/wire", "-o", program, fuzzPackage); err != nil {
		return 0, err
	}
	reached, err := cover(ctx, program, filepath.Join(x.source, filepath.FromSlash(strings.TrimPrefix(fuzzPackage, "./"))), "^"+fuzzTarget+"$", dir)
	if err != nil {
		return 0, err
	}
	type candidate struct {
		name   string
		text   []byte
		blocks []string
	}
	var all []candidate
	alone := filepath.Join(dir, "alone")
	place := filepath.Join(alone, "testdata", "fuzz", fuzzTarget)
	if err := os.MkdirAll(place, 0o700); err != nil {
		return 0, err
	}
	for _, input := range inputs {
		c := candidate{name: input.Name()}
		if c.text, err = os.ReadFile(filepath.Join(found, c.name)); err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(place, c.name), c.text, 0o600); err != nil {
			return 0, err
		}
		blocks, err := cover(ctx, program, alone, "^"+fuzzTarget+"$/^"+c.name+"$", dir)
		if err != nil {
			return 0, err
		}
		if err := os.Remove(filepath.Join(place, c.name)); err != nil {
			return 0, err
		}
		for b := range blocks {
			if !reached[b] {
				c.blocks = append(c.blocks, b)
			}
		}
		if c.blocks != nil {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(len(b.blocks), len(a.blocks)), cmp.Compare(len(a.text), len(b.text)))
	})
	for _, c := range all {
		if !slices.ContainsFunc(c.blocks, func(b string) bool { return !reached[b] }) {
			continue
		}
		for _, b := range c.blocks {
			reached[b] = true
		}
		if err := os.WriteFile(filepath.Join(seeds, c.name), c.text, 0o644); err != nil { //nolint:gosec // a file of the source
			return added, err
		}
		added++
	}
	return added, nil
}

// cover runs tests of a program in a directory and returns the blocks that they reach.
func cover(ctx context.Context, program, dir, tests, temp string) (map[string]bool, error) {
	profile := filepath.Join(temp, "profile")
	c := exec.CommandContext(ctx, program, "-test.run", tests, "-test.coverprofile", profile)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", tests, err, out)
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		return nil, err
	}
	return coveredBlocks(text), nil
}

// coveredBlocks reads a profile of go test.
func coveredBlocks(profile []byte) map[string]bool {
	reached := map[string]bool{}
	for line := range bytes.SplitSeq(profile, []byte("\n")) {
		if block, count, ok := bytes.Cut(line, []byte(" ")); ok && !bytes.HasSuffix(count, []byte(" 0")) && !bytes.HasPrefix(line, []byte("mode:")) {
			reached[string(block)] = true
		}
	}
	return reached
}
