//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// When both hosts want a volume at the same moment, one gets it and the other one is told who has it.
func TestHostsRaceForMount(t *testing.T) {
	clean(t)
	v := newVolume(t, "raced", nil)
	var wins [2]int
	for round := range 30 {
		errs := together(
			func() error { _, err := the.hosts[0].mount(v, "race"); return err },
			func() error { _, err := the.hosts[1].mount(v, "race"); return err },
		)
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		require.NoError(t, errs[winner], "round %d: nobody got it", round)
		text, ok := refused(errs[1-winner])
		require.True(t, ok, "round %d: both got it, or one did not answer: %v", round, errs[1-winner])
		require.Contains(t, text, the.hosts[winner].name, "round %d", round)
		for i, h := range the.hosts {
			mounts, err := h.mounts()
			require.NoError(t, err)
			require.Len(t, mounts, map[bool]int{true: 1}[i == winner], "round %d: %s", round, h.name)
		}
		require.NoError(t, the.hosts[winner].unmount(v, "race"))
		wins[winner]++
	}
	t.Logf("host 1 won %d times, host 2 %d times", wins[0], wins[1])
}

// When both hosts create the same volume at once, as the services of a swarm do, both succeed, and there is one volume
// with a file system.
func TestHostsRaceForCreate(t *testing.T) {
	clean(t)
	t.Cleanup(func() { require.NoError(t, dropVolume("twins")) })
	body := map[string]any{"Name": "twins", "Opts": opts{"size": "200mb"}}
	for round := range 20 {
		for _, err := range together(
			func() error { return the.hosts[0].plugin.post("/VolumeDriver.Create", body, nil) },
			func() error { return the.hosts[1].plugin.post("/VolumeDriver.Create", body, nil) },
		) {
			require.NoError(t, err, "round %d", round)
		}
		for _, h := range the.hosts {
			_, err := h.mount("twins", "e2e")
			require.NoError(t, err, "round %d", round)
			require.NoError(t, h.unmount("twins", "e2e"))
		}
		require.NoError(t, the.hosts[round%2].plugin.post("/VolumeDriver.Remove", named("twins"), nil), "round %d", round)
	}
}

// What is refused leaves nothing behind, however often.
func TestRefusalsLeaveNothing(t *testing.T) {
	clean(t)
	v := newVolume(t, "wanted", nil)
	_, err := the.hosts[0].mount(v, "e2e")
	require.NoError(t, err)
	before, err := the.traces()
	require.NoError(t, err)
	for i := range 20 {
		_, err := the.hosts[1].mount(v, fmt.Sprint(i))
		require.Error(t, err)
		require.Error(t, the.hosts[1].plugin.post("/VolumeDriver.Remove", named(v), nil))
		require.Error(t, the.hosts[0].plugin.post("/VolumeDriver.Remove", named(v), nil))
	}
	unchanged(t, before)
	require.NoError(t, the.hosts[0].unmount(v, "e2e"))
}
