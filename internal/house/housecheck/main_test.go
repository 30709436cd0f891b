package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

func module(t *testing.T, name string) string {
	t.Helper()
	arc, err := txtar.ParseFile(filepath.Join("..", "testdata", name))
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, txtar.Write(arc, dir))
	return dir
}

func TestExitStatus(t *testing.T) {
	clean, bad := module(t, "clean.txtar"), module(t, "decisions.txtar")
	for name, tc := range map[string]struct {
		args []string
		want int
	}{
		"clean":            {[]string{clean}, 0},
		"finding":          {[]string{"-decisions", bad}, 1},
		"other check only": {[]string{"-imports", clean}, 0},
		"no module":        {[]string{t.TempDir()}, 2},
		"unknown flag":     {[]string{"-nope"}, 2},
		"two directories":  {[]string{clean, bad}, 2},
		"help":             {[]string{"-help"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.Equal(t, tc.want, run(tc.args, &out, &errs), errs.String())
		})
	}
}

func TestWithoutFlagsBothChecksRun(t *testing.T) {
	dir := module(t, "clean.txtar")
	file := filepath.Join(dir, "driver", "bad.go")
	bad := []byte("package driver\n\nimport _ \"vmdkvol/model\"\n\nfunc start(f func()) { go f() }\n")
	require.NoError(t, os.WriteFile(file, bad, 0o600))
	var out, errs bytes.Buffer
	require.Equal(t, 1, run([]string{dir}, &out, &errs), errs.String())
	require.Regexp(t, `(?m)^driver/bad\.go:3: arrow: `, out.String())
	require.Regexp(t, `(?m)^driver/bad\.go:5: goroutine: `, out.String())
}
