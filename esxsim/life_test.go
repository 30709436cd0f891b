package esxsim_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
)

// TestStop: commands in flight get 20 seconds, others are declined; then the process ends, or lives on.
func TestStop(t *testing.T) {
	p := newPair(t, nil)
	require.True(t, p.Stop(t.Context()), "nothing is in flight")

	declined := errorText("Service is being stopped: operation declined!")
	for _, c := range []struct {
		quirks esxsim.Quirks
		ended  bool
		waited time.Duration
	}{
		{nil, false, 20 * time.Second},
		{esxsim.Quirks{esxsim.StopKills: true}, true, 0},
		{esxsim.Quirks{esxsim.StopLivesOn: false}, false, time.Minute}, // until its context ends
	} {
		p := newPair(t, c.quirks)
		before := *p.now
		p.stage.before["esx.create.disk"] = func() { // the create is in flight for as long as Stop runs
			ended := p.Stop(&until{t.Context(), p.now, before.Add(time.Minute)})
			require.Equal(t, c.ended, ended)
			require.Equal(t, c.waited, p.now.Sub(before))
			require.Equal(t, declined, p.raw("vm2", `{"cmd":"version","details":{},"version":"2"}`))
		}
		p.want(null, "vm1", "create", "v", "")
		p.want(declined, "vm1", "get", "v", "")
		require.True(t, p.Stop(t.Context()), "it is idle now")
		p.Started()
		require.Contains(t, p.do("vm1", "get", "v", ""), "detached")
	}

	// A command that ends in time: the stop waits for it, no longer.
	p = newPair(t, nil)
	p.stage.before["esx.create.disk"] = func() { require.False(t, p.Stop(&until{t.Context(), p.now, p.now.Add(3 * time.Second)})) }
	p.want(null, "vm1", "create", "v", "")
	require.True(t, p.Stop(t.Context()))
}

// until is a context that ends at a time of a clockwork.
type until struct {
	context.Context
	now *time.Time
	end time.Time
}

func (u *until) Err() error {
	if !u.now.Before(u.end) {
		return context.Canceled
	}
	return u.Context.Err()
}

func TestWatchdog(t *testing.T) {
	var w esxsim.Watchdog
	now := time.Unix(0, 0)
	for range 4 {
		w.Started(now)
		now = now.Add(9 * time.Second)
		require.True(t, w.Ended(now))
	}
	slow := w
	slow.Started(now)
	require.True(t, slow.Ended(now.Add(10*time.Second)), "a life that was long enough begins the count anew")
	w.Started(now)
	require.False(t, w.Ended(now.Add(9*time.Second)), "the fifth is the last")
}

func TestLatency(t *testing.T) {
	p := newPair(t, nil, func(c *esxsim.Config) { c.Latency = map[wire.Command]time.Duration{wire.Create: time.Minute} })
	before := *p.now
	p.want(null, "vm1", "create", "v", "")
	p.want(place0, "vm1", "attach", "v", "")
	require.Equal(t, time.Minute, p.now.Sub(before))
}

// TestTakeOver: a new process has locks and a count of its own, and the old one finishes what it has.
func TestTakeOver(t *testing.T) {
	h := newHost(t, try)
	h.want(null, "vm1", "create", "v", "")
	h.stage.before["esx.attach.plug"] = func() {
		h.want(errorText("Server returned an error: no lock of the volume: held"), "vm2", "get", "v", "")
		h.TakeOver()
		require.True(t, h.Idle(), "the new one has nothing in flight")
		require.Contains(t, h.do("vm2", "get", "v", ""), `"status": "detached"`)
		require.True(t, h.Stop(t.Context()), "nor does it wait for the old one")
		h.TakeOver()
	}
	h.want(place0, "vm1", "attach", "v", "")
	require.Contains(t, h.do("vm2", "get", "v", ""), `"attached to VM": "vm1"`)
	h.want(null, "vm1", "detach", "v", "")
	require.True(t, h.Idle())
}
