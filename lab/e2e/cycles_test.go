//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// 200 mount and unmount cycles, and ten containers, leave no loop device, no mount and no descriptor more than there were
// before; a read-only volume that was mounted among them is still read-only.
func TestNothingLeaks(t *testing.T) {
	clean(t)
	h := the.hosts[0]
	v := newVolume(t, "cycled", nil)
	ro := newVolume(t, "cycled-ro", opts{"access": "read-only"})
	cycle := func(name, id string) {
		_, err := h.mount(name, id)
		require.NoError(t, err)
		require.NoError(t, h.unmount(name, id))
	}
	cycle(v, "first") // what is opened once, such as a netlink socket of the runtime, is open now
	before, err := the.traces()
	require.NoError(t, err)
	connections := sockets(t)

	begin := time.Now()
	const cycles = 200
	for i := range cycles {
		name := v
		if i%10 == 9 {
			name = ro
		}
		cycle(name, fmt.Sprintf("cycle-%d", i))
	}
	t.Logf("%d cycles: %.2f ms each", cycles, float64(time.Since(begin).Microseconds())/1000/cycles)
	unchanged(t, before)
	require.Eventually(t, func() bool { return sockets(t) <= connections }, limit, 5*time.Millisecond,
		"connections are left: there were %d", connections)

	begin = time.Now()
	const runs = 10
	for i := range runs {
		run(t, h, v, "fs /data", fmt.Sprintf("write /data/%d x", i))
	}
	t.Logf("%d containers: %.0f ms each", runs, float64(time.Since(begin).Milliseconds())/runs)
	unchanged(t, before)

	_, err = tryRun(t, h, ro, "fs /data", "write /data/a 1")
	require.ErrorContains(t, err, "read-only file system")
}

// sockets counts the connections of all of the lab's own processes.
func sockets(t *testing.T) (n int) {
	t.Helper()
	for _, p := range the.programs() {
		open, err := p.descriptors()
		require.NoError(t, err)
		for _, to := range open {
			if len(to) > 7 && to[:7] == "socket:" {
				n++
			}
		}
	}
	return n
}
