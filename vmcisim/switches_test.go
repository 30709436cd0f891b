package vmcisim_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

// TestBacklogOne: while one request waits to be accepted, another one is reset.
func TestBacklogOne(t *testing.T) {
	for _, one := range []bool{false, true} {
		var esx counter
		s := &stage{}
		arrives := s.gate(requestPoint)
		n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: esx.handle, BacklogOne: one})
		first := start(t.Context(), n.Endpoint("vm1", seam.Real()), request(t, wire.Attach, "data"))
		<-arrives.reached
		_, err := n.Endpoint("vm2", seam.Real()).RoundTrip(t.Context(), request(t, wire.Get, "data"))
		if one {
			require.ErrorIs(t, err, vmcisim.ErrReset)
			require.NotErrorIs(t, err, wire.ErrNotSent, "nobody can know")
			require.Zero(t, esx.n.Load())
		} else {
			require.NoError(t, err)
		}
		close(arrives.open)
		require.NoError(t, (<-first).err)
		_, err = n.Endpoint("vm2", seam.Real()).RoundTrip(t.Context(), request(t, wire.Get, "data"))
		require.NoError(t, err)
		require.NoError(t, n.Close(t.Context()))
	}
}

// TestOneReceiver: who sends nothing keeps the others waiting until he goes.
func TestOneReceiver(t *testing.T) {
	for _, one := range []bool{false, true} {
		var esx counter
		s := &stage{faults: map[string]string{requestPoint: "silence"}}
		n := vmcisim.New(vmcisim.Config{Env: hasty{seam.Real()}, Stage: s, Handler: esx.handle, OneReceiver: one})
		ctx, leave := context.WithCancel(t.Context())
		silent := start(ctx, n.Endpoint("vm1", seam.Real()), request(t, wire.Attach, "data"))
		require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.faults) == 0 }, 10*time.Second, time.Millisecond)
		patience, end := context.WithTimeout(t.Context(), map[bool]time.Duration{true: 50 * time.Millisecond, false: 10 * time.Second}[one])
		_, err := n.Endpoint("vm2", seam.Real()).RoundTrip(patience, request(t, wire.Get, "data"))
		end()
		require.Equal(t, one, err != nil)
		leave()
		require.Error(t, (<-silent).err)
		_, err = n.Endpoint("vm2", seam.Real()).RoundTrip(t.Context(), request(t, wire.Get, "data"))
		require.NoError(t, err)
		require.NoError(t, n.Close(t.Context()))
		require.EqualValues(t, 2, esx.n.Load(), "what came late was executed, too")
	}
}

// hasty is an Env that sleeps for a thousandth of the time.
type hasty struct{ seam.Env }

func (h hasty) Sleep(ctx context.Context, d time.Duration) error { return h.Env.Sleep(ctx, d/1000) }

// TestOrphan: after runs-on the client sees a reset while the service executes, which can know that nobody waits.
func TestOrphan(t *testing.T) {
	faults, err := vmcisim.ParseFaults("orphan")
	require.NoError(t, err)
	for _, orphans := range []bool{false, true} {
		s := &stage{faults: map[string]string{requestPoint: "runs-on"}}
		begun, left := make(chan struct{}), make(chan struct{})
		var over error
		n := vmcisim.New(vmcisim.Config{
			Env: seam.Real(), Stage: s, Faults: faults, Orphans: orphans,
			Handler: func(ctx context.Context, _ string, _ []byte) []byte {
				close(begun)
				<-left
				over = ctx.Err()
				return []byte("null")
			},
		})
		_, err := n.Endpoint("vm1", seam.Real()).RoundTrip(t.Context(), request(t, wire.Attach, "data"))
		require.ErrorIs(t, err, vmcisim.ErrReset)
		require.NotErrorIs(t, err, wire.ErrNotSent)
		<-begun
		require.Len(t, n.Pending(), 1, "the service still has it")
		require.True(t, n.Busy("data"))
		close(left)
		require.NoError(t, n.Close(t.Context()))
		require.Equal(t, orphans, over != nil)
		require.Empty(t, n.Pending())
	}
}

// TestSwitches: they are sorted, and each says where it is described.
func TestSwitches(t *testing.T) {
	last := ""
	for _, s := range vmcisim.Switches() {
		require.Less(t, last, s.Name)
		require.Contains(t, s.Fact, "docs/original.md §1.")
		last = s.Name
	}
}

// TestDirect: who sends a request executes it.
func TestDirect(t *testing.T) {
	var esx counter
	leave := func() {}
	handle := func(ctx context.Context, peer string, text []byte) []byte {
		leave()
		return esx.handle(ctx, peer, text)
	}
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: &stage{}, Handler: handle, Direct: true})
	e := n.Endpoint("vm1", seam.Real())
	req := request(t, wire.Get, "data")
	reply, err := e.RoundTrip(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, "vm1 "+string(req), string(reply))
	require.Empty(t, n.Pending())
	ctx, end := context.WithCancel(t.Context())
	leave = end
	require.PanicsWithValue(t, "vmcisim: vm1:get:data was given up on its way, and a direct network cannot tell what comes of that",
		func() { _, _ = e.RoundTrip(ctx, req) })
	require.NoError(t, n.Close(t.Context()))
	require.EqualValues(t, 2, esx.n.Load())
}
