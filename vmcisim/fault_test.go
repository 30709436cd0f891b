package vmcisim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

const connectPoint, requestPoint, replyPoint = "net.connect vm1:attach:data", "net.request vm1:attach:data", "net.reply vm1:attach:data"

// befall makes one round trip to which a fault happens. It returns the reply, the error and the callers whose requests
// were executed.
func befall(t *testing.T, point, fault string, change func(*vmcisim.Config)) (reply string, callers []string, err error) {
	t.Helper()
	faults, err := vmcisim.ParseFaults(fault)
	require.NoError(t, err)
	cfg := vmcisim.Config{
		Env: seam.Real(), Stage: &stage{faults: map[string]string{point: fault}}, Faults: faults,
		Handler: func(_ context.Context, peer string, request []byte) []byte {
			callers = append(callers, peer)
			return append([]byte("re: "), request...)
		},
	}
	if change != nil {
		change(&cfg)
	}
	n := vmcisim.New(cfg)
	text, err := n.Endpoint("vm1", seam.Real()).RoundTrip(t.Context(), request(t, wire.Attach, "data"))
	require.NoError(t, n.Close(t.Context()))
	require.Empty(t, n.Pending())
	return string(text), callers, err
}

func TestRareFaults(t *testing.T) {
	text := string(request(t, wire.Attach, "data"))
	for _, tc := range []struct {
		point, fault string
		want         error // nil: success
		notSent      bool
		callers      []string
	}{
		{connectPoint, "no-port", vmcisim.ErrNoPort, true, nil},
		{connectPoint, "refused", vmcisim.ErrRefused, true, nil},
		{requestPoint, "high-port", vmcisim.ErrReset, false, nil},
		{requestPoint, "no-id", nil, false, []string{""}},
		{requestPoint, "taken-for@vm2", nil, false, []string{"vm2"}},
		{requestPoint, "bad-magic", vmcisim.ErrReset, false, nil},
		{requestPoint, "zero-length", vmcisim.ErrReset, false, nil},
		{requestPoint, "huge-length", vmcisim.ErrReset, false, nil},
		{requestPoint, "long-length", vmcisim.ErrReset, false, nil},
		{requestPoint, "short-length", vmcisim.ErrReset, false, nil},
		{requestPoint, "no-nul", vmcisim.ErrReset, false, nil},
		{requestPoint, "inner-nul", vmcisim.ErrReset, false, nil},
		{requestPoint, "trailing", nil, false, []string{"vm1"}},
		{requestPoint, "not-json", nil, false, []string{"vm1"}}, // what it is, the service finds out
		{replyPoint, "bad-magic", wire.ErrMagic, false, []string{"vm1"}},
		{replyPoint, "zero-length", wire.ErrLength, false, []string{"vm1"}},
		{replyPoint, "huge-length", wire.ErrTooLarge, false, []string{"vm1"}},
		{replyPoint, "long-length", wire.ErrTruncated, false, []string{"vm1"}},
		{replyPoint, "short-length", wire.ErrNoNUL, false, []string{"vm1"}},
		{replyPoint, "no-nul", wire.ErrNoNUL, false, []string{"vm1"}},
		{replyPoint, "inner-nul", wire.ErrInnerNUL, false, []string{"vm1"}},
		{replyPoint, "trailing", nil, false, []string{"vm1"}},
		{replyPoint, "not-json", nil, false, []string{"vm1"}},
	} {
		t.Run(tc.point+" "+tc.fault, func(t *testing.T) {
			reply, callers, err := befall(t, tc.point, tc.fault, nil)
			require.Equal(t, tc.callers, callers)
			require.Equal(t, tc.notSent, errors.Is(err, wire.ErrNotSent))
			want := "re: " + text
			if tc.fault == "not-json" {
				want = map[string]string{requestPoint: "re: !" + text[1:], replyPoint: "!e: " + text}[tc.point]
			}
			if tc.want == nil {
				require.NoError(t, err)
				require.Equal(t, want, reply)
				return
			}
			require.ErrorIs(t, err, tc.want)
			require.Empty(t, reply)
		})
	}
}

func TestCutAtAnyByte(t *testing.T) {
	frame := wire.HeaderSize + len(request(t, wire.Attach, "data")) + 1
	for at := range frame {
		_, callers, err := befall(t, requestPoint, fmt.Sprintf("cut@%d", at), nil)
		require.ErrorIs(t, err, vmcisim.ErrReset)
		require.NotErrorIs(t, err, wire.ErrNotSent)
		require.Empty(t, callers, "cut@%d: a part of a request never executes", at)
	}
	for at := range frame + len("re: ") {
		_, callers, err := befall(t, replyPoint, fmt.Sprintf("cut@%d", at), nil)
		require.ErrorIs(t, err, vmcisim.ErrReset)
		require.NotErrorIs(t, err, wire.ErrNotSent)
		require.Equal(t, []string{"vm1"}, callers)
	}
	for _, name := range []string{"cut@half", "cut@last", "cut@99999"} { // a cut always takes something away
		_, _, err := befall(t, replyPoint, name, nil)
		require.ErrorIs(t, err, vmcisim.ErrReset, name)
	}
}

func TestSplitAtAnyByte(t *testing.T) {
	text := string(request(t, wire.Attach, "data"))
	for _, point := range []string{requestPoint, replyPoint} {
		for at := range wire.HeaderSize + len(text) + 2 {
			reply, callers, err := befall(t, point, fmt.Sprintf("split@%d", at), nil)
			require.NoError(t, err)
			require.Equal(t, "re: "+text, reply)
			require.Equal(t, []string{"vm1"}, callers)
		}
	}
}

// TestOneRecv: like the original, the service asks for each element once.
func TestOneRecv(t *testing.T) {
	once := func(c *vmcisim.Config) { c.OneRecv = true }
	last := wire.HeaderSize + len(request(t, wire.Attach, "data"))
	for at := 1; at <= last; at++ {
		_, callers, err := befall(t, requestPoint, fmt.Sprintf("split@%d", at), once)
		if at == 4 || at == 8 {
			require.NoError(t, err, at)
			require.Equal(t, []string{"vm1"}, callers)
		} else {
			require.ErrorIs(t, err, vmcisim.ErrReset, at)
			require.Empty(t, callers)
		}
	}
	for _, fault := range []string{"bad-magic", "huge-length", "zero-length", "long-length", "cut@8"} {
		_, callers, err := befall(t, requestPoint, fault, once)
		require.ErrorIs(t, err, vmcisim.ErrReset, fault)
		require.Empty(t, callers)
	}
	_, _, err := befall(t, requestPoint, "trailing", once)
	require.NoError(t, err)
}

func TestLeftoverID(t *testing.T) {
	faults, err := vmcisim.ParseFaults("no-id")
	require.NoError(t, err)
	var callers []string
	s := &stage{faults: map[string]string{requestPoint: "no-id"}}
	n := vmcisim.New(vmcisim.Config{
		Env: seam.Real(), Stage: s, Faults: faults, LeftoverID: true,
		Handler: func(_ context.Context, peer string, _ []byte) []byte {
			callers = append(callers, peer)
			return []byte("null")
		},
	})
	for _, vm := range []string{"vm2", "vm1", "vm1"} {
		_, err := n.Endpoint(vm, seam.Real()).RoundTrip(t.Context(), request(t, wire.Attach, "data"))
		require.NoError(t, err)
	}
	require.NoError(t, n.Close(t.Context()))
	require.Equal(t, []string{"vm2", "vm2", "vm1"}, callers)
}

// TestGiveUp: sixteen bad requests in a row, not fifteen and then a good one.
func TestGiveUp(t *testing.T) {
	const all = 15 + 1 + 16 + 15
	faults, err := vmcisim.ParseFaults("bad-magic", "high-port")
	require.NoError(t, err)
	s, gaveUp := &stage{faults: map[string]string{}}, []int{}
	sent := 0
	n := vmcisim.New(vmcisim.Config{
		Env: seam.Real(), Stage: s, Faults: faults, Handler: echo, GiveUp: func() { gaveUp = append(gaveUp, sent) },
	})
	e := n.Endpoint("vm1", seam.Real())
	for sent = 1; sent <= all; sent++ {
		if sent != 16 {
			s.faults[requestPoint] = "bad-magic"
		}
		_, err := e.RoundTrip(t.Context(), request(t, wire.Attach, "data"))
		require.Equal(t, sent == 16, err == nil)
		s.faults[requestPoint] = "high-port" // does not count
		_, err = e.RoundTrip(t.Context(), request(t, wire.Attach, "data"))
		require.Error(t, err)
	}
	require.NoError(t, n.Close(t.Context()))
	require.Equal(t, []int{32}, gaveUp)
}

// TestNewProcess: a process that starts again, or takes over, knows nothing of the receive errors and of the callers of the one
// before.
func TestNewProcess(t *testing.T) {
	for name, begin := range map[string]func(n *vmcisim.Network, h vmcisim.Handler){
		"Reset":   func(n *vmcisim.Network, _ vmcisim.Handler) { n.Reset(seam.Real()) },
		"Replace": func(n *vmcisim.Network, h vmcisim.Handler) { n.Replace(seam.Real(), h) },
	} {
		t.Run(name, func(t *testing.T) {
			faults, err := vmcisim.ParseFaults("bad-magic", "no-id")
			require.NoError(t, err)
			s, gaveUp, callers := &stage{faults: map[string]string{}}, 0, []string{}
			handler := func(_ context.Context, peer string, _ []byte) []byte {
				callers = append(callers, peer)
				return []byte("null")
			}
			n := vmcisim.New(vmcisim.Config{
				Env: seam.Real(), Stage: s, Faults: faults, Handler: handler, LeftoverID: true, GiveUp: func() { gaveUp++ },
			})
			e := n.Endpoint("vm1", seam.Real())
			send := func(fault string, times int) {
				for range times {
					if fault != "" {
						s.faults[requestPoint] = fault
					}
					_, _ = e.RoundTrip(t.Context(), request(t, wire.Attach, "data"))
				}
			}
			send("", 1)
			send("bad-magic", 15)
			begin(n, handler)
			send("no-id", 1)
			require.Equal(t, []string{"vm1", ""}, callers)
			send("bad-magic", 15)
			require.Zero(t, gaveUp)
			send("bad-magic", 1)
			require.Equal(t, 1, gaveUp)
			require.NoError(t, n.Close(t.Context()))
		})
	}
}

// TestBadFrameNamesItsCaller: the owner of a connection is asked for before its frame is read.
func TestBadFrameNamesItsCaller(t *testing.T) {
	faults, err := vmcisim.ParseFaults("bad-magic", "no-id")
	require.NoError(t, err)
	var callers []string
	s := &stage{faults: map[string]string{}}
	n := vmcisim.New(vmcisim.Config{
		Env: seam.Real(), Stage: s, Faults: faults, LeftoverID: true,
		Handler: func(_ context.Context, peer string, _ []byte) []byte {
			callers = append(callers, peer)
			return []byte("null")
		},
	})
	for _, send := range []struct{ vm, fault string }{{"vm1", "bad-magic"}, {"vm2", "no-id"}} {
		s.faults["net.request "+send.vm+":attach:data"] = send.fault
		_, _ = n.Endpoint(send.vm, seam.Real()).RoundTrip(t.Context(), request(t, wire.Attach, "data"))
	}
	require.NoError(t, n.Close(t.Context()))
	require.Equal(t, []string{"vm1"}, callers)
}

// TestHang: a connection that nobody accepts ends with the context, and nothing was sent.
func TestHang(t *testing.T) {
	faults, err := vmcisim.ParseFaults("connect")
	require.NoError(t, err)
	why := errors.New("patience ran out")
	var esx counter
	s := &stage{faults: map[string]string{connectPoint: "hang"}}
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Faults: faults, Handler: esx.handle})
	ctx, cancel := context.WithCancelCause(t.Context())
	done := start(ctx, n.Endpoint("vm1", seam.Real()), request(t, wire.Attach, "data"))
	cancel(why)
	a := <-done
	require.ErrorIs(t, a.err, why)
	require.ErrorIs(t, a.err, wire.ErrNotSent)
	require.NoError(t, n.Close(t.Context()))
	require.Zero(t, esx.n.Load())
}

// sleepless counts the time for which its tasks would sleep.
type sleepless struct {
	seam.Env
	slept *time.Duration
}

func (e sleepless) Sleep(_ context.Context, d time.Duration) error { *e.slept += d; return nil }

func TestDelay(t *testing.T) {
	for _, point := range []string{requestPoint, replyPoint} {
		var slept time.Duration
		_, callers, err := befall(t, point, "delay@26s", func(c *vmcisim.Config) { c.Env = sleepless{c.Env, &slept} })
		require.NoError(t, err)
		require.Equal(t, []string{"vm1"}, callers)
		require.Equal(t, 26*time.Second, slept)
	}
}

// TestReplace: an old service finishes what it has while a new one listens.
func TestReplace(t *testing.T) {
	says := func(who string) vmcisim.Handler {
		return func(context.Context, string, []byte) []byte { return []byte(who) }
	}
	s := &stage{}
	g := s.gate("net.request vm1:get:a")
	n := vmcisim.New(vmcisim.Config{Env: seam.Real(), Stage: s, Handler: says("old")})
	e := n.Endpoint("vm1", seam.Real())
	a := start(t.Context(), e, request(t, wire.Get, "a"))
	<-g.reached
	n.Replace(seam.Real(), says("new"))
	reply, err := e.RoundTrip(t.Context(), request(t, wire.Get, "b"))
	require.NoError(t, err)
	require.Equal(t, "new", string(reply))
	close(g.open)
	require.Equal(t, answer{text: "old"}, <-a)
	n.Reset(seam.Real())
	reply, err = e.RoundTrip(t.Context(), request(t, wire.Get, "b"))
	require.NoError(t, err)
	require.Equal(t, "new", string(reply), "the new one started again")
	require.NoError(t, n.Close(t.Context()))
}

func TestParseFaults(t *testing.T) {
	_, err := vmcisim.ParseFaults(vmcisim.FaultKinds()...)
	require.NoError(t, err)
	_, err = vmcisim.ParseFaults("cut", "cut", "cut@half", "delay@1h", "taken-for@vm2")
	require.NoError(t, err)
	var unknown *vmcisim.UnknownFaultError
	for _, word := range []string{"", "cat", "cut2", "lose", "taken-for@"} {
		_, err := vmcisim.ParseFaults("split", word)
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, word, unknown.Word)
	}
	for _, word := range []string{"cut@", "cut@-1", "cut@x", "cut@007", "delay@", "delay@0s", "delay@-1s", "delay@2h"} {
		_, err := vmcisim.ParseFaults(word)
		require.ErrorContains(t, err, "after @", word)
	}
}
