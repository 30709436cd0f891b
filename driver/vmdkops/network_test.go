package vmdkops_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

// overNetwork is the simulated network, on goroutines.
func overNetwork(t *testing.T, server func([]byte) []byte) vmdkops.Transport {
	n := vmcisim.New(vmcisim.Config{
		Env: seam.Real(), Stage: seam.Quiet{},
		Handler: func(_ context.Context, _ string, request []byte) []byte { return server(request) },
	})
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	return n.Endpoint("vm1", seam.Real())
}

func TestSimulatedNetworkConforms(t *testing.T) {
	testTransport(t, overNetwork)
}

// A stage that lets one fault happen wherever it is offered, once.
type once struct {
	seam.Quiet
	point, fault string
	done         bool
}

func (o *once) Choose(op, _ string, faults ...string) int {
	for i, f := range faults {
		if !o.done && op == o.point && f == o.fault {
			o.done = true
			return i + 1
		}
	}
	return 0
}

// TestKindsOfNetworkTrouble: what the client makes of each fault of the simulated network, without repeats.
func TestKindsOfNetworkTrouble(t *testing.T) {
	sure := map[string]bool{ // never executed, and the client knows
		"net.connect no-port": true, "net.connect refused": true,
	}
	fine := map[string]bool{
		"net.request split@2": true, "net.request split@6": true, "net.request split@8": true, "net.request split@half": true,
		"net.request split@last": true, "net.request trailing": true, "net.reply split@2": true, "net.reply split@6": true,
		"net.reply split@8": true, "net.reply split@half": true, "net.reply split@last": true, "net.reply trailing": true,
		"net.request no-id": true, // this service knows no callers
	}
	tried := 0
	for _, fault := range vmcisim.FaultKinds() {
		for _, point := range []string{"net.connect", "net.request", "net.reply"} {
			if fault == "hang" || fault == "delay@1s" {
				continue // take time
			}
			faults, err := vmcisim.ParseFaults(fault)
			require.NoError(t, err)
			stage := &once{point: point, fault: fault}
			n := vmcisim.New(vmcisim.Config{
				Env: seam.Real(), Stage: stage, Faults: faults,
				Handler: func(_ context.Context, _ string, request []byte) []byte {
					if _, err := wire.ParseRequest(request); err != nil {
						return wire.AppendError(nil, "Failed to parse json '"+string(request)+"'.")
					}
					return []byte("null")
				},
			})
			client, err := vmdkops.New(vmdkops.Config{Transport: n.Endpoint("vm1", seam.Real()), Env: patient{seam.Real()}})
			require.NoError(t, err)
			err = client.Create(t.Context(), "data", nil)
			require.NoError(t, n.Close(t.Context()))
			if !stage.done {
				require.NoError(t, err)
				continue
			}
			tried++
			switch name := point + " " + fault; {
			case sure[name], fine[name]: // what was not sent was sent again
				require.NoError(t, err, name)
			case name == "net.request not-json": // the service says that it did nothing
				require.Equal(t, vmdkops.Failed, vmdkops.KindOf(err), name)
			default:
				require.Equal(t, vmdkops.Unknown, vmdkops.KindOf(err), "%s: %v", name, err)
			}
		}
	}
	require.Equal(t, 45, tried)
}

// patient is an Env in which pauses take no time.
type patient struct{ seam.Env }

func (patient) Sleep(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }
