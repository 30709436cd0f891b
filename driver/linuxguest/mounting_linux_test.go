package linuxguest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/linuxguest"
)

func TestMkfsErrors(t *testing.T) {
	g, _ := newGuest(t)
	needs(t, g, "ext4")
	disk := loop(t, mib)
	for _, fstype := range []string{"xfs", "btrfs"} { // both need more
		if err := g.Mkfs(t.Context(), disk, fstype, ""); err != nil {
			require.NotContains(t, err.Error(), "\n")
		} else {
			t.Errorf("mkfs.%s made a file system of 1 MiB", fstype)
		}
	}
	// A mkfs that hangs dies with the context.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/mkfs.ext4", []byte("#!/bin/sh\necho \"$HOME$LC_ALL\" at work\nexec sleep 60\n"), 0o755))
	g, err := linuxguest.New(linuxguest.Config{ToolDirs: []string{dir}})
	require.NoError(t, err)
	disk = loop(t, mib)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = g.Mkfs(ctx, disk, "ext4", "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, ": C at work", "output in the error, environment cleared")
}

func TestMountFailsClean(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	require.ErrorIs(t, g.Mount(ctx, disk, mp, "ext4", false), unix.EINVAL, "a blank disk")
	require.NoDirExists(t, mp)
	require.ErrorIs(t, g.Mount(ctx, disk, mp, "nosuchfs", false), unix.ENODEV)
	// A file system without a disk ignores the source: the check afterwards sees it.
	require.ErrorContains(t, g.Mount(ctx, disk, mp, "tmpfs", false), "another device")
	require.NoDirExists(t, mp)

	require.NoError(t, g.Mkfs(ctx, disk, "ext4", "x"))
	require.NoError(t, os.Mkdir(filepath.Dir(mp)+"/elsewhere", 0o755))
	require.NoError(t, os.Symlink("elsewhere", mp))
	require.Error(t, g.Mount(ctx, disk, mp, "ext4", false), "a link")
	require.NoError(t, os.Remove(mp))
	require.NoError(t, os.WriteFile(mp, nil, 0o600))
	require.Error(t, g.Mount(ctx, disk, mp, "ext4", false), "a file")
	require.NoError(t, os.Remove(mp))
	require.NoError(t, g.Release(ctx, disk))
}

// A disk that ESX attached read-only must not look like a read-write mount.
func TestMountOfWriteProtectedDisk(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	image := sparse(t, 16*mib)
	out, err := exec.Command(lookTool(t, "mkfs.ext4"), "-q", "-F", image).CombinedOutput()
	require.NoError(t, err, "%s", out)
	disk := loopOver(t, image, unix.LO_FLAGS_READ_ONLY)
	require.ErrorIs(t, g.Mount(t.Context(), disk, mp, "ext4", false), unix.EACCES)
	require.NoDirExists(t, mp)
	require.NoError(t, g.Mount(t.Context(), disk, mp, "ext4", true))
	require.NoError(t, g.Unmount(t.Context(), mp))
	require.NoError(t, g.Release(t.Context(), disk))
}

func TestMountedTopmost(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, below, above := t.Context(), loop(t, 16*mib), loop(t, 16*mib)
	for _, disk := range []string{below, above} {
		require.NoError(t, g.Mkfs(ctx, disk, "ext4", ""))
	}
	require.NoError(t, g.Mount(ctx, below, mp, "ext4", false))
	_ = requireBusy(t, g.Mount(ctx, above, mp, "ext4", false))
	require.NoError(t, unix.Mount(above, mp, "ext4", 0, ""))
	got, err := g.Mounted(ctx, mp)
	require.NoError(t, err)
	require.Equal(t, above, got)
	require.NoError(t, g.Unmount(ctx, mp), "all layers")
	require.NoError(t, g.Release(ctx, below))
	require.NoError(t, g.Release(ctx, above))

	require.NoError(t, os.Mkdir(mp, 0o755))
	require.NoError(t, unix.Mount("nothing", mp, "tmpfs", 0, ""))
	got, err = g.Mounted(ctx, mp)
	require.NoError(t, err)
	require.Equal(t, "nothing", got, "not a disk, and not nothing")
}

func TestMountedThroughLink(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	require.NoError(t, g.Mkfs(ctx, disk, "ext4", ""))
	link := filepath.Join(t.TempDir(), "by-path")
	require.NoError(t, os.Symlink(disk, link))
	require.NoError(t, g.Mount(ctx, link, mp, "ext4", false))
	for range 2 {
		got, err := g.Mounted(ctx, mp)
		require.NoError(t, err)
		require.Equal(t, disk, got)
		require.NoError(t, os.RemoveAll(link)) // then sysfs knows
	}
}
