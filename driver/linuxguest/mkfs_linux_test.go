package linuxguest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/driver/linuxguest"
)

func TestCleanLabel(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"data@ds1", 16, "data@ds1"},
		{"", 16, ""},
		{"0123456789abcdefg", 16, "0123456789abcdef"},
		{"0123456789äö", 12, "0123456789ä"},
		{"0123456789aäö", 12, "0123456789a"},
		{"€€€€€", 12, "€€€€"},
		{"-L", 12, "L"},
		{"--", 12, ""},
		{"a b\tc\nd\x00e", 12, "a_b_c_d_e"},
		{"a\xffb", 12, "a_b"},
	} {
		require.Equal(t, c.want, linuxguest.CleanLabel(c.in, c.limit), "%q", c.in)
	}
	rapid.Check(t, func(t *rapid.T) {
		in, limit := rapid.String().Draw(t, "label"), rapid.IntRange(1, 32).Draw(t, "limit")
		got := linuxguest.CleanLabel(in, limit)
		require.LessOrEqual(t, len(got), limit)
		require.True(t, utf8.ValidString(got))
		require.False(t, strings.HasPrefix(got, "-") || strings.ContainsAny(got, "\x00\n\t "))
		require.Equal(t, got, linuxguest.CleanLabel(got, limit))
	})
}

func TestFilesystemsAreThoseWithMkfs(t *testing.T) {
	dir := t.TempDir()
	g, err := linuxguest.New(linuxguest.Config{ToolDirs: []string{filepath.Join(dir, "none"), dir}})
	require.NoError(t, err)
	require.Empty(t, g.Filesystems())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mkfs.xfs"), nil, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mkfs.ext4"), nil, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mkfs.btrfs"), nil, 0o644)) // cannot be run
	require.NoError(t, os.Mkdir(filepath.Join(dir, "mkfs.ext3"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mkfs.minix"), nil, 0o755)) // not one of ours
	require.Equal(t, []string{"ext4", "xfs"}, g.Filesystems())

	require.ErrorContains(t, g.Mkfs(t.Context(), "/dev/null", "btrfs", ""), "mkfs.btrfs is not installed")
	require.ErrorContains(t, g.Mkfs(t.Context(), "/dev/null", "../mkfs", ""), "no such file system")
	require.ErrorIs(t, g.Mkfs(t.Context(), "/dev/null", "ext4", ""), errNotBlock)
}
