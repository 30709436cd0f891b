package vmcisim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

func request(t testing.TB, cmd wire.Command, volume string) []byte {
	text, err := wire.AppendRequest(nil, wire.Request{Cmd: cmd, Details: wire.Details{Name: volume}, Version: wire.Version})
	require.NoError(t, err)
	return text
}

// echo answers with the peer and the request.
func echo(_ context.Context, peer string, request []byte) []byte {
	return append([]byte(peer+" "), request...)
}

// counter is a handler that counts its executions.
type counter struct{ n atomic.Int32 }

func (c *counter) handle(ctx context.Context, peer string, request []byte) []byte {
	c.n.Add(1)
	return echo(ctx, peer, request)
}

type answer struct {
	text string
	err  error
}

func start(ctx context.Context, e *vmcisim.Endpoint, request []byte) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		text, err := e.RoundTrip(ctx, request)
		done <- answer{string(text), err}
	}()
	return done
}

func TestRoundTrip(t *testing.T) {
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Handler: echo})
	e := n.Endpoint("vm1", seam.Real())
	req := request(t, wire.Get, "data")
	for range 2 {
		reply, err := e.RoundTrip(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, "vm1 "+string(req), string(reply))
	}
	require.NoError(t, n.Close(t.Context()))
	require.Empty(t, n.Pending())
}

func TestFaults(t *testing.T) {
	const req, rep = "net.request vm1:attach:data", "net.reply vm1:attach:data"
	for _, tc := range []struct {
		point, fault string
		want         []error // all in the chain; none: success
		notSent      bool
		executed     int32
	}{
		{req, "lose", []error{vmcisim.ErrReset}, false, 0},
		{req, "reset", []error{wire.ErrNotSent, vmcisim.ErrReset}, true, 0},
		{req, "duplicate", nil, false, 2},
		{rep, "lose", []error{vmcisim.ErrReset}, false, 1},
		{rep, "truncate", []error{wire.ErrTruncated}, false, 1},
	} {
		t.Run(tc.point+" "+tc.fault, func(t *testing.T) {
			var esx counter
			n := vmcisim.New(vmcisim.Config{
				Env: seam.Real(), Stage: &stage{faults: map[string]string{tc.point: tc.fault}}, Handler: esx.handle,
			})
			text := request(t, wire.Attach, "data")
			reply, err := n.Endpoint("vm1", seam.Real()).RoundTrip(t.Context(), text)
			require.NoError(t, n.Close(t.Context()))
			require.Equal(t, tc.executed, esx.n.Load())
			require.Empty(t, n.Pending())
			if tc.want == nil {
				require.NoError(t, err)
				require.Equal(t, "vm1 "+string(text), string(reply))
				return
			}
			require.Nil(t, reply)
			for _, want := range tc.want {
				require.ErrorIs(t, err, want)
			}
			require.Equal(t, tc.notSent, errors.Is(err, wire.ErrNotSent))
		})
	}
}

func TestSilenceEndsWithTheContext(t *testing.T) {
	why := errors.New("patience ran out")
	for point, executed := range map[string]int32{"net.request vm1:get:data": 0, "net.reply vm1:get:data": 1} {
		t.Run(point, func(t *testing.T) {
			var esx counter
			s := &stage{faults: map[string]string{point: "silence"}}
			g := s.gate(point)
			n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: esx.handle})
			ctx, cancel := context.WithCancelCause(t.Context())
			done := start(ctx, n.Endpoint("vm1", seam.Real()), request(t, wire.Get, "data"))
			<-g.reached
			close(g.open)
			require.NoError(t, n.Close(t.Context()))
			require.Empty(t, n.Pending())
			require.Empty(t, done, "the caller still waits")
			cancel(why)
			a := <-done
			require.ErrorIs(t, a.err, why)
			require.NotErrorIs(t, a.err, wire.ErrNotSent)
			require.Equal(t, executed, esx.n.Load())
		})
	}
}

func TestContextDoneBeforeSending(t *testing.T) {
	var esx counter
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Handler: esx.handle})
	why := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err := n.Endpoint("vm1", seam.Real()).RoundTrip(ctx, request(t, wire.Get, "data"))
	require.ErrorIs(t, err, why)
	require.ErrorIs(t, err, wire.ErrNotSent)
	require.NoError(t, n.Close(t.Context()))
	require.Zero(t, esx.n.Load())
}

func TestRequestOutlivesItsCaller(t *testing.T) {
	var esx counter
	s := &stage{}
	g := s.gate("net.request vm1:create:data")
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: esx.handle})
	ctx, cancel := context.WithCancel(t.Context())
	text := request(t, wire.Create, "data")
	done := start(ctx, n.Endpoint("vm1", seam.Real()), text)
	<-g.reached
	inFlight := vmcisim.InFlight{
		Name: "esx:vm1:create:data#1", Peer: "vm1", Label: "vm1:create:data",
		Direction: vmcisim.Request, Size: wire.HeaderSize + len(text) + 1,
	}
	require.Equal(t, []vmcisim.InFlight{inFlight}, n.Pending())
	cancel()
	require.ErrorIs(t, (<-done).err, context.Canceled)
	inFlight.Abandoned = true
	require.Equal(t, []vmcisim.InFlight{inFlight}, n.Pending())
	require.Zero(t, esx.n.Load())

	close(g.open)
	require.NoError(t, n.Close(t.Context()))
	require.EqualValues(t, 1, esx.n.Load())
	require.Equal(t, []string{"esx.create data", "net.request vm1:create:data"}, s.seen, "nobody waits for the reply")
}

// TestOrder holds the first reply back until the second has arrived.
func TestOrder(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared=%t", shared), func(t *testing.T) {
			s := &stage{}
			first := s.gate("net.reply vm1:get:a")
			second := s.gate("net.reply vm1:get:b")
			n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: echo, Shared: shared})
			e := n.Endpoint("vm1", seam.Real())
			ra, rb := request(t, wire.Get, "a"), request(t, wire.Get, "b")
			a := start(t.Context(), e, ra)
			<-first.reached
			b := start(t.Context(), e, rb)
			<-second.reached
			require.Len(t, n.Pending(), 2)

			close(second.open)
			var one, two answer
			if shared {
				one = <-a
				close(first.open)
				two = <-b
			} else {
				two = <-b
				close(first.open)
				one = <-a
			}
			require.NoError(t, one.err)
			require.NoError(t, two.err)
			require.NoError(t, n.Close(t.Context()))
			if shared {
				require.Equal(t, "vm1 "+string(rb), one.text, "replies cross")
				require.Equal(t, "vm1 "+string(ra), two.text, "replies cross")
			} else {
				require.Equal(t, "vm1 "+string(ra), one.text)
				require.Equal(t, "vm1 "+string(rb), two.text)
			}
		})
	}
}

// TestSharedCallerGivesUp: its place in the queue goes with it, so its late reply reaches the next caller.
func TestSharedCallerGivesUp(t *testing.T) {
	s := &stage{}
	first, second := s.gate("net.reply vm1:get:a"), s.gate("net.reply vm1:get:b")
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: echo, Shared: true})
	e := n.Endpoint("vm1", seam.Real())
	ctx, cancel := context.WithCancel(t.Context())
	ra := request(t, wire.Get, "a")
	a := start(ctx, e, ra)
	<-first.reached
	b := start(t.Context(), e, request(t, wire.Get, "b"))
	<-second.reached
	cancel()
	require.ErrorIs(t, (<-a).err, context.Canceled)
	close(first.open)
	require.Equal(t, answer{text: "vm1 " + string(ra)}, <-b)
	close(second.open)
	require.NoError(t, n.Close(t.Context()))
}

func TestCallerCrashes(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared=%t", shared), func(t *testing.T) {
			var esx counter
			s := &stage{}
			g := s.gate("net.reply vm1:attach:data")
			n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: esx.handle, Shared: shared})
			env := crashing{seam.Real(), make(chan struct{})}
			crashed := make(chan any)
			attach := request(t, wire.Attach, "data")
			go func() {
				defer func() { crashed <- recover() }()
				_, _ = n.Endpoint("vm1", env).RoundTrip(t.Context(), attach)
			}()
			<-g.reached
			close(env.crash)
			require.Equal(t, "crashed", <-crashed)
			require.True(t, n.Pending()[0].Abandoned)
			close(g.open)
			require.NoError(t, n.Close(t.Context()))
			require.EqualValues(t, 1, esx.n.Load())

			text := request(t, wire.Attach, "data")
			reply, err := n.Endpoint("vm1", seam.Real()).RoundTrip(t.Context(), text)
			require.NoError(t, err, "the plugin that starts next is not affected")
			require.Equal(t, "vm1 "+string(text), string(reply))
			require.NoError(t, n.Close(t.Context()))
		})
	}
}

func TestReset(t *testing.T) {
	var esx counter
	s := &stage{}
	g := s.gate("net.reply vm1:create:data")
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: esx.handle})
	e := n.Endpoint("vm1", seam.Real())
	text := request(t, wire.Create, "data")
	done := start(t.Context(), e, text)
	<-g.reached
	n.Reset(nil)
	a := <-done
	require.ErrorIs(t, a.err, vmcisim.ErrReset)
	require.NotErrorIs(t, a.err, wire.ErrNotSent)
	require.Empty(t, n.Pending())

	_, err := e.RoundTrip(t.Context(), text)
	require.ErrorIs(t, err, wire.ErrNotSent)
	require.ErrorIs(t, err, vmcisim.ErrRefused)
	require.EqualValues(t, 1, esx.n.Load())

	n.Reset(seam.Real())
	_, err = e.RoundTrip(t.Context(), text)
	require.NoError(t, err)
	close(g.open)
	require.NoError(t, n.Close(t.Context()))
}

// TestServiceHangsUp: on a frame that it refuses, and when the handler says so.
func TestServiceHangsUp(t *testing.T) {
	var esx counter
	hangUp := func(context.Context, string, []byte) []byte { return nil }
	for name, tc := range map[string]struct {
		request []byte
		handler vmcisim.Handler
	}{
		"too large": {bytes.Repeat([]byte{' '}, wire.MaxRequest), esx.handle},
		"NUL":       {[]byte("a\x00b"), esx.handle},
		"handler":   {[]byte("{}"), hangUp},
	} {
		t.Run(name, func(t *testing.T) {
			n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Handler: tc.handler})
			_, err := n.Endpoint("vm1", seam.Real()).RoundTrip(t.Context(), tc.request)
			require.ErrorIs(t, err, vmcisim.ErrReset)
			require.NotErrorIs(t, err, wire.ErrNotSent)
			require.NoError(t, n.Close(t.Context()))
			require.Zero(t, esx.n.Load())
		})
	}
}

// TestCooperative: the exact yields of a round trip, and no lock but that of the call.
func TestCooperative(t *testing.T) {
	env, s := &inline{}, &stage{}
	n := vmcisim.New(vmcisim.Config{Env: env, Stage: s, Handler: echo, Cooperative: true})
	e := n.Endpoint("vm1", env)
	for _, text := range [][]byte{
		request(t, wire.Get, "data"), request(t, wire.Get, "data"), request(t, wire.List, ""), []byte("no json"),
		request(t, wire.Get, `a b#"(é`),
	} {
		reply, err := e.RoundTrip(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, "vm1 "+string(text), string(reply))
	}
	require.NoError(t, n.Close(t.Context()))
	names := []string{
		"esx:vm1:get:data#1", "esx:vm1:get:data#2", "esx:vm1:list#1", "esx:vm1:#1", "esx:vm1:get:a_b__#1",
	}
	require.Equal(t, names, env.names)
	locks := []string{}
	for _, name := range names {
		locks = append(locks, name, name) // the carrier's, then the caller's
	}
	require.Equal(t, locks, env.locks)
	require.Equal(t, []string{"esx.get data", "esx.get data", "esx.list "}, s.seen[:3])
	require.Len(t, s.seen, len(names))
}

// TestNamesSurviveRestart: an old carrier may still run, so a new plugin's requests go on counting.
func TestNamesSurviveRestart(t *testing.T) {
	env := &inline{}
	n := vmcisim.New(vmcisim.Config{Env: env, Stage: seam.Quiet{}, Handler: echo, Cooperative: true})
	for range 2 {
		_, err := n.Endpoint("vm1", env).RoundTrip(t.Context(), request(t, wire.Get, "v"))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"esx:vm1:get:v#1", "esx:vm1:get:v#2"}, env.names)
}

func TestManyCallers(t *testing.T) {
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Handler: echo})
	var group sync.WaitGroup
	for i := range 16 {
		peer := fmt.Sprintf("vm%d", i%2)
		e := n.Endpoint(peer, seam.Real())
		group.Go(func() {
			for j := range 200 {
				text := request(t, wire.Get, fmt.Sprintf("v%d", (i+j)%8))
				reply, err := e.RoundTrip(t.Context(), text)
				if err != nil || string(reply) != peer+" "+string(text) {
					t.Errorf("got %q, %v; want the reply of %q", reply, err, text)
					return
				}
				n.Pending()
			}
		})
	}
	group.Wait()
	require.NoError(t, n.Close(t.Context()))
}

func BenchmarkRoundTrip(b *testing.B) {
	env := &inline{}
	text := request(b, wire.Attach, "data")
	reply := []byte(`{"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}`)
	handler := func(context.Context, string, []byte) []byte { return reply }
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		env.locks, env.names = env.locks[:0], env.names[:0]
		n := vmcisim.New(vmcisim.Config{Env: env, Stage: seam.Quiet{}, Handler: handler, Cooperative: true})
		e := n.Endpoint("vm1", env)
		for range 4 {
			if _, err := e.RoundTrip(ctx, text); err != nil {
				b.Fatal(err)
			}
		}
	}
}
