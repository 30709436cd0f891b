package linuxguest_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/linuxguest"
)

// Both ways of mounting a disk out of sight give its root and leave nothing when it is closed.
func TestHiddenMount(t *testing.T) {
	g, _ := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	out, err := exec.Command(lookTool(t, "mkfs.ext4"), "-q", "-F", disk).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for name, mount := range map[string]func(disk, fstype string) (int, error){
		"hidden": linuxguest.HiddenMount, "brief": linuxguest.BriefMount,
	} {
		t.Run(name, func(t *testing.T) {
			root, err := mount(disk, "ext4")
			if errors.Is(err, unix.ENOSYS) {
				t.Skip("needs Linux 5.2")
			}
			require.NoError(t, err)
			var st unix.Stat_t
			require.NoError(t, unix.Fstatat(root, "lost+found", &st, 0))
			table, err := os.ReadFile("/proc/self/mountinfo")
			require.NoError(t, err)
			require.NotContains(t, string(table), disk+" ")
			require.ErrorIs(t, g.Release(ctx, disk), unix.EBUSY)
			require.NoError(t, unix.Close(root))
			require.NoError(t, g.Release(ctx, disk))
			_, err = mount(disk, "xfs")
			require.Error(t, err, "not an xfs")
			require.NoError(t, g.Release(ctx, disk))
		})
	}
}
