package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "x.scn")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o640))
	return file
}

func TestFmt(t *testing.T) {
	const untidy, tidy = "start  c1:get v\n# why\ngiven volume w   size=1gb access=read-only\n", "# why\ngiven volume w access=read-only size=1gb\nstart c1: get v\n"
	file := write(t, untidy)
	code, out, errs := do(t, "fmt", file)
	require.Equal(t, []any{exitFine, tidy, ""}, []any{code, out, errs})

	code, out, _ = do(t, "fmt", "-l", file)
	require.Equal(t, []any{exitFine, file + "\n"}, []any{code, out})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, untidy, string(text))

	code, out, _ = do(t, "fmt", "-w", file)
	require.Equal(t, []any{exitFine, ""}, []any{code, out})
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, tidy, string(text))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	code, out, _ = do(t, "fmt", "-l", file)
	require.Equal(t, []any{exitFine, ""}, []any{code, out})

	code, out, errs = do(t, "fmt", write(t, "start c1: gte v\n"))
	require.Equal(t, []any{exitBadInput, ""}, []any{code, out})
	require.Regexp(t, `^vmdksim: .*x\.scn:1: unknown operation "gte": did you mean get\? \(there are .*\)\n$`, errs)
}

func TestRunUpdate(t *testing.T) {
	file := write(t, "# mine\ngiven volume v\nstart c1: mount v; get w\nexpect\n  c1 get w -> ok # why\nend refs(v)=1\n")
	code, _, _ := do(t, "run", file)
	require.Equal(t, exitFound, code)
	code, out, errs := do(t, "run", "--update", file)
	require.Equal(t, exitFine, code, errs)
	require.Contains(t, out, "updated "+file)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "# mine\ngiven volume v\nstart c1: mount v; get w\nexpect\n  c1 get w -> not found # why\n  c1 mount v -> ok\nend refs(v)=1\n",
		string(text))
	code, out, _ = do(t, "run", "--update", file)
	require.Equal(t, exitFine, code)
	require.NotContains(t, out, "updated")

	const stray = "start c1: get v\nschedule\n  pick c1 when c1 ends\nexpect\n"
	file = write(t, stray)
	code, _, errs = do(t, "run", "--update", file)
	require.Equal(t, exitFound, code)
	require.Contains(t, errs, "not updated: the schedule never came to")
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, stray, string(text))
	code, _, _ = do(t, "run", "--update", "--json", file)
	require.Equal(t, exitBadInput, code)
}
