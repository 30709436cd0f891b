package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	for _, c := range []struct {
		args string
		want int
	}{
		{"write " + file + " text , read " + file + " , await " + file + " , ls " + dir, 0},
		{"ls " + dir + " , read " + file + ".none", 1},
		{"fs " + dir, 1}, // nothing is mounted there
		{"fs /proc", 0},
		{"write " + file, 2}, // no text
		{"fly", 2},
	} {
		require.Equal(t, c.want, run(strings.Fields(c.args)), c.args)
	}
	said, err := list(dir)
	require.NoError(t, err)
	require.Equal(t, "ls a", said)
	said, err = read(file)
	require.NoError(t, err)
	require.Equal(t, "read text", said)
}
