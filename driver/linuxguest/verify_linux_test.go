package linuxguest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Verify sees each way in which a mountpoint can cease to be what Mount made of it: every Mount of a mounted volume relies
// on it, and the alternative is a container on the host's own disk.
func TestVerify(t *testing.T) {
	for _, fstype := range []string{"ext4", "btrfs"} { // btrfs shows device numbers of its own
		t.Run(fstype, func(t *testing.T) {
			g, mp := newGuest(t)
			needs(t, g, fstype)
			ctx, disk, other := t.Context(), loop(t, sinceXFS), loop(t, sinceXFS)
			for _, d := range []string{disk, other} {
				require.NoError(t, g.Mkfs(ctx, d, fstype, ""))
			}
			require.Error(t, g.Verify(ctx, disk, mp, false), "no mount root")
			for _, readOnly := range []bool{true, false} {
				require.NoError(t, g.Mount(ctx, disk, mp, fstype, readOnly))
				require.NoError(t, g.Verify(ctx, disk, mp, readOnly))
				require.ErrorContains(t, g.Verify(ctx, disk, mp, !readOnly), "read-only")
				require.ErrorContains(t, g.Verify(ctx, other, mp, readOnly), "another device")
				require.Error(t, g.Verify(ctx, "/dev/none", mp, readOnly), "the disk is gone")

				require.NoError(t, unix.Mount("nothing", mp, "tmpfs", 0, ""))
				require.ErrorContains(t, g.Verify(ctx, disk, mp, readOnly), "another device", "mounted over")
				require.NoError(t, unix.Unmount(mp, 0))
				require.NoError(t, g.Verify(ctx, disk, mp, readOnly))

				require.NoError(t, unix.Unmount(mp, 0))
				require.ErrorContains(t, g.Verify(ctx, disk, mp, readOnly), "another device", "unmounted behind our back")
				require.NoError(t, os.Remove(mp))
				require.ErrorIs(t, g.Verify(ctx, disk, mp, readOnly), os.ErrNotExist)

				elsewhere := mp + "2"
				require.NoError(t, g.Mount(ctx, disk, elsewhere, fstype, readOnly))
				require.NoError(t, os.Symlink(elsewhere, mp))
				require.Error(t, g.Verify(ctx, disk, mp, readOnly), "a link to the mount is no mountpoint")
				require.NoError(t, os.Remove(mp))
				require.NoError(t, g.Unmount(ctx, elsewhere))
			}
		})
	}
}
