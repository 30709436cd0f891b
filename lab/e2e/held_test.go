//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A disk is not pulled from under a file system that somebody uses on the host: the last Unmount says who, the other
// host cannot have the volume, and it is let go by itself when the user is gone.
func TestDiskInUseStays(t *testing.T) {
	for what, use := range map[string]func(*testing.T, *dockerHost, string) (end func()){
		"open file": func(t *testing.T, h *dockerHost, mountpoint string) func() {
			f, err := os.Create(filepath.Join("/proc", strconv.Itoa(h.daemon.pid()), "root", mountpoint, "open"))
			require.NoError(t, err)
			return func() { f.Close() }
		},
		// The mount is gone from the host then, but not from the other namespace, and only the disk itself shows it.
		"mount namespace": func(t *testing.T, h *dockerHost, mountpoint string) func() {
			entered := filepath.Join(h.dir, "entered")
			p, err := start("user", h.log("user"), h.inside("unshare", "--mount", "--propagation", "private", "bash", "-c",
				`cd "$0" && touch "$1" && exec sleep 60`, mountpoint, entered))
			require.NoError(t, err)
			require.NoError(t, p.ready(func() error { _, err := os.Stat(entered); return err }))
			require.NoError(t, os.Remove(entered))
			return func() {
				require.NoError(t, p.signal(syscall.SIGKILL))
				<-p.ended
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			clean(t)
			h := the.hosts[0]
			v := newVolume(t, "held", nil)
			at, err := h.mount(v, "e2e")
			require.NoError(t, err)
			end := use(t, h, at)

			text, ok := refused(h.unmount(v, "e2e"))
			require.True(t, ok, "unmounted: %s", text)
			require.Contains(t, text, "process", "the user must be named")
			loops, err := the.loops()
			require.NoError(t, err)
			require.Len(t, loops, 1, "the disk was pulled")
			_, err = the.hosts[1].mount(v, "e2e")
			text, ok = refused(err)
			require.True(t, ok)
			require.Contains(t, text, h.name)

			// A new container here gets it all the same, and its end does not pull the disk either.
			again, err := h.mount(v, "again")
			require.NoError(t, err)
			require.Equal(t, at, again)
			require.Error(t, h.unmount(v, "again"))

			end()
			require.Eventually(t, func() bool {
				loops, err := the.loops()
				return err == nil && len(loops) == 0
			}, limit, 10*time.Millisecond, "the disk is not let go")
			_, err = the.hosts[1].mount(v, "e2e")
			require.NoError(t, err)
			require.NoError(t, the.hosts[1].unmount(v, "e2e"))
		})
	}
}
