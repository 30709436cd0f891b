package linuxguest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/linuxguest"
)

func TestLifeOfADisk(t *testing.T) {
	for _, fstype := range []string{"ext2", "ext3", "ext4", "xfs", "btrfs"} {
		t.Run(fstype, func(t *testing.T) {
			g, mp := newGuest(t)
			needs(t, g, fstype)
			ctx, disk := t.Context(), loop(t, sinceXFS)

			found, err := g.Probe(ctx, disk)
			require.NoError(t, err)
			require.Empty(t, found)
			require.NoError(t, g.Mkfs(ctx, disk, fstype, "-my data@datastore-größer"))
			found, err = g.Probe(ctx, disk)
			require.NoError(t, err)
			require.Equal(t, fstype, found)
			require.ErrorContains(t, g.Mkfs(ctx, disk, fstype, "again"), "holds "+fstype)
			require.NoError(t, g.Release(ctx, disk), "mkfs leaves nobody behind")

			require.NoError(t, g.Mount(ctx, disk, mp, fstype, false))
			got, err := g.Mounted(ctx, mp)
			require.NoError(t, err)
			require.Equal(t, disk, got)
			var node unix.Stat_t
			require.NoError(t, unix.Stat(disk, &node))
			require.NoError(t, linuxguest.Verify(mp, node.Rdev, false))
			require.Error(t, linuxguest.Verify(mp, node.Rdev, true), "the other access mode")
			require.Error(t, linuxguest.Verify(mp, node.Rdev+1, false), "another disk")
			inside, err := os.ReadDir(mp)
			require.NoError(t, err)
			require.Empty(t, inside, "a new volume is empty")
			st, err := os.Stat(mp)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o755)|os.ModeDir, st.Mode())
			require.NoError(t, os.WriteFile(mp+"/file", []byte("kept"), 0o600))
			require.ErrorIs(t, g.Release(ctx, disk), unix.EBUSY)
			require.ErrorIs(t, g.Mount(ctx, disk, mp, fstype, false), unix.EBUSY, "no second layer")
			require.NoError(t, g.Unmount(ctx, mp))
			require.NoDirExists(t, mp)
			require.NoError(t, g.Unmount(ctx, mp), "a repetition is fine")
			require.NoError(t, g.Release(ctx, disk))

			require.NoError(t, g.Mount(ctx, disk, mp, fstype, true))
			require.ErrorIs(t, os.WriteFile(mp+"/other", nil, 0o600), unix.EROFS)
			kept, err := os.ReadFile(mp + "/file")
			require.NoError(t, err)
			require.Equal(t, "kept", string(kept))
			require.NoError(t, g.Unmount(ctx, mp))

			fsck(t, fstype, disk)
		})
	}
}

// fsck: the file system is clean, and checking it does not bring lost+found back.
func fsck(t *testing.T, fstype, disk string) {
	t.Helper()
	var cmd *exec.Cmd
	switch fstype {
	case "xfs":
		cmd = exec.Command(lookTool(t, "xfs_repair"), "-n", disk)
	case "btrfs":
		cmd = exec.Command(lookTool(t, "btrfs"), "check", disk)
	default:
		cmd = exec.Command(lookTool(t, "e2fsck"), "-f", "-n", disk)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if strings.HasPrefix(fstype, "ext") { // xfs_repair always says it
		require.NotContains(t, string(out), "lost+found")
	}
}

// Nothing piles up: descriptors, mounts, processes. Failing calls count too.
func TestCyclesLeaveNothing(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	require.NoError(t, g.Mkfs(ctx, disk, "ext4", ""))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	cycle := func() {
		_, err := g.Disk(ended, place("0", "1f.7"))
		require.Error(t, err)
		_, err = g.Probe(ctx, disk)
		require.NoError(t, err)
		require.Error(t, g.Mkfs(ctx, disk, "ext4", ""))
		require.Error(t, g.Mount(ctx, disk, mp, "tmpfs", false))
		require.NoError(t, g.Mount(ctx, disk, mp, "ext4", false))
		_ = requireBusy(t, g.Release(ended, disk))
		require.NoError(t, g.Unmount(ctx, mp))
		require.NoError(t, g.Release(ctx, disk))
		require.Error(t, g.Release(ctx, "/dev/null"))
	}
	cycle()
	before, mountsBefore := count(t, "/proc/self/fd"), mountTable(t)
	for range 50 {
		cycle()
	}
	require.Equal(t, before, count(t, "/proc/self/fd"))
	require.Equal(t, mountsBefore, mountTable(t))
}

// Different disks at once, for the race detector.
func TestDisksAtOnce(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	errs := make(chan error)
	const disks = 4
	for i := range disks {
		disk, mp := loop(t, 16*mib), mp+strconv.Itoa(i)
		go func() {
			errs <- func() error {
				if err := g.Mkfs(t.Context(), disk, "ext4", ""); err != nil {
					return err
				}
				for range 3 {
					if err := errors.Join(
						g.Mount(t.Context(), disk, mp, "ext4", false),
						g.Unmount(t.Context(), mp),
						g.Release(t.Context(), disk),
					); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range disks {
		require.NoError(t, <-errs)
	}
}
