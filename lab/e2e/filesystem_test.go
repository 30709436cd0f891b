//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each file system can be made at its smallest size, starts empty (no lost+found, so that initdb and copy-up take the
// directory for new), is used, and survives the way to the other host.
func TestFilesystems(t *testing.T) {
	for _, c := range []struct{ fstype, size string }{
		{"ext4", "100mb"}, {"ext4", "1gb"}, {"xfs", "300mb"}, {"btrfs", "109mb"}, {"btrfs", "1gb"},
	} {
		t.Run(c.fstype+" "+c.size, func(t *testing.T) {
			clean(t)
			v := newVolume(t, "fs-"+c.fstype, opts{"fstype": c.fstype, "size": c.size})
			holder, lines := hold(t, the.hosts[0], v, "ls /data", "fs /data", "write /data/a 1")
			require.Equal(t, "ls", lines[0], "a new volume is empty")
			onVolume(t, lines[1], v, c.fstype, "rw")
			_, err := holder.end(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"read 1", "ls a"}, run(t, the.hosts[1], v, "read /data/a", "ls /data"))
		})
	}
}

// A volume with access=read-only can be read and not written, on both hosts and each time.
func TestReadOnly(t *testing.T) {
	clean(t)
	v := newVolume(t, "fixed", opts{"access": "read-only"})
	for round := range 4 {
		h := the.hosts[round%2]
		holder, lines := hold(t, h, v, "ls /data", "fs /data")
		onVolume(t, lines[1], v, "ext4", "ro")
		second := newContainer(t, h, plainImage, v, "/data", "write /data/a 1")
		require.NoError(t, second.start(t.Context()))
		_, err := second.finish(t.Context())
		require.ErrorContains(t, err, "read-only file system", "round %d", round)
		_, err = holder.end(t.Context())
		require.NoError(t, err)
	}
}

// Docker copies what the image has in the directory into a new volume, owners and modes included, and never again: a
// volume that has content keeps it.
func TestCopyUp(t *testing.T) {
	clean(t)
	h := the.hosts[0]
	v := newVolume(t, "seed", nil)
	for round := range 2 {
		c := newContainer(t, h, seededImage, v, "/seed", "ls /seed", fmt.Sprintf("write /seed/two%d 2", round))
		require.NoError(t, c.start(t.Context()))
		lines, err := c.finish(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"ls one", "ls one two0"}[round], lines[0])
	}
	require.Equal(t, []string{"ls one two0 two1", "read 2"}, run(t, the.hosts[1], v, "ls /data", "read /data/two0"))
}
