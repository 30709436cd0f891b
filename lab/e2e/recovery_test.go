//go:build e2e

package e2e_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// killVmdkd ends a host's vmdkd without a word, and starts the next one.
func killVmdkd(t *testing.T, h *dockerHost) {
	t.Helper()
	require.NoError(t, h.daemon.signal(os.Kill))
	require.Error(t, h.daemon.wait())
	require.NoError(t, h.startVmdkd())
}

// A vmdkd that was killed under running containers is replaced by one that knows who uses the volume, joins them, and lets
// the volume go when the last of them has ended.
func TestRecoveryOfRunningContainers(t *testing.T) {
	clean(t)
	h := the.hosts[0]
	v := newVolume(t, "recovered", nil)
	first, _ := hold(t, h, v, "fs /data", "write /data/a 1")
	second, _ := hold(t, h, v, "read /data/a")
	seq := attachment(t)
	killVmdkd(t, h)

	require.Equal(t, []string{"read 1"}, run(t, h, v, "read /data/a"))
	require.Equal(t, seq, attachment(t), "the disk was taken from under the containers")
	_, err := first.end(t.Context())
	require.NoError(t, err)
	mounts, err := h.mounts()
	require.NoError(t, err)
	require.Len(t, mounts, 1)
	_, err = the.hosts[1].mount(v, "e2e")
	_, ok := refused(err)
	require.True(t, ok, "%v", err)

	begin := time.Now()
	_, err = second.end(t.Context())
	require.NoError(t, err)
	detached(t, h)
	t.Logf("let go %.1f s after the last container", time.Since(begin).Seconds())
	require.Equal(t, []string{"read 1"}, run(t, the.hosts[1], v, "read /data/a"))
}

// A container that ends while vmdkd is down is noticed by the next one when Docker asks to remove its volume.
func TestRecoveryOfAContainerThatEndedMeanwhile(t *testing.T) {
	clean(t)
	h, ctx := the.hosts[0], t.Context()
	v := newVolume(t, "left", nil)
	c, _ := hold(t, h, v, "write /data/a 1")
	require.NoError(t, h.daemon.signal(os.Kill))
	require.Error(t, h.daemon.wait())
	ended := make(chan error, 1)
	go func() { // Docker repeats the Unmount for as long as nobody listens
		_, err := c.end(ctx)
		ended <- err
	}()
	require.NoError(t, <-ended)
	loops, err := the.loops()
	require.NoError(t, err)
	require.Len(t, loops, 1, "nobody can have let it go")
	require.NoError(t, h.startVmdkd())
	require.Eventually(t, func() bool { return removeVolume(ctx, h, v, false) == nil }, limit, 100*time.Millisecond)
	detached(t, h)
}

func detached(t *testing.T, h *dockerHost) {
	t.Helper()
	require.Eventually(t, func() bool {
		mounts, err := h.mounts()
		loops, lerr := the.loops()
		return err == nil && lerr == nil && len(mounts) == 0 && len(loops) == 0
	}, limit, 20*time.Millisecond, "the volume is not let go\n%s", h.daemon.said())
}
