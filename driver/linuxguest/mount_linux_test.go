package linuxguest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/linuxguest"
)

// What can be refused without root is refused before anything is done.
func TestMountRefuses(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mounts")
	g, err := linuxguest.New(linuxguest.Config{MountRoot: root})
	require.NoError(t, err)
	for _, c := range []struct{ disk, mountpoint, fstype string }{
		{"/dev/null", root + "/v", "ext4"},
		{sparse(t, mib), root + "/v", "ext4"},
		{root + "/none", root + "/v", "ext4"},
		{"/dev/null", root + "/v", "ext4,rw"},
		{"/dev/null", root + "/v", ""},
	} {
		require.Error(t, g.Mount(t.Context(), c.disk, c.mountpoint, c.fstype, false), "%+v", c)
		require.NoDirExists(t, root+"/v")
	}
	for _, bad := range []string{"", "/", "v", root, root + "/", root + "/../v", root + "/a/b", "/etc/v"} {
		_, err := g.Mounted(t.Context(), bad)
		require.Error(t, err, bad)
		require.Error(t, g.Unmount(t.Context(), bad), bad)
	}
}

func TestNothingMounted(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mounts")
	g, err := linuxguest.New(linuxguest.Config{MountRoot: root})
	require.NoError(t, err)
	for _, step := range []string{"no mount root", "no directory", "empty directory", "full directory"} {
		t.Run(step, func(t *testing.T) {
			switch step {
			case "no directory":
				require.NoError(t, os.Mkdir(root, 0o755))
			case "empty directory":
				require.NoError(t, os.Mkdir(root+"/v", 0o755))
			case "full directory":
				require.NoError(t, os.MkdirAll(root+"/v/data", 0o755))
			}
			disk, err := g.Mounted(t.Context(), root+"/v")
			require.NoError(t, err)
			require.Empty(t, disk)
			if os.Geteuid() != 0 {
				t.Skip("umount(2) needs root: run the tests as root")
			}
			require.NoError(t, g.Unmount(t.Context(), root+"/v"))
			if step == "full directory" {
				require.DirExists(t, root+"/v/data")
			} else {
				require.NoDirExists(t, root+"/v")
			}
		})
	}
}

func TestReleaseOfNothing(t *testing.T) {
	_, g := newTree(t)
	require.ErrorIs(t, g.Release(t.Context(), "/dev/none"), os.ErrNotExist)
	require.ErrorIs(t, g.Release(t.Context(), sparse(t, mib)), errNotBlock)
}
