package vmdkops_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/seam"
)

var _ driver.Backend = (*vmdkops.Client)(nil)

// step is what a script answers to one request.
type step struct {
	reply string
	err   error
}

var (
	errLost    = errors.New("connection reset while waiting for the reply")
	errNotSent = fmt.Errorf("dial: %w: connection refused", wire.ErrNotSent)
)

func told(text string) step { return step{reply: string(wire.AppendError(nil, text))} }

// script is a Transport that answers each request with the next step, and the last step for ever.
type script struct {
	steps []step
	sent  []string
}

func (s *script) RoundTrip(_ context.Context, request []byte) ([]byte, error) {
	at := s.steps[min(len(s.sent), len(s.steps)-1)]
	s.sent = append(s.sent, string(request))
	if at.err != nil {
		return nil, at.err
	}
	return []byte(at.reply), nil
}

// clock is an Env whose pauses take no time. The context of the call ends in pause number stop, if stop > 0.
type clock struct {
	seam.Env
	paused []time.Duration
	stop   int
	cancel context.CancelCauseFunc
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.paused = append(c.paused, d)
	if len(c.paused) == c.stop {
		c.cancel(errStopped)
	}
	return context.Cause(ctx)
}

var errStopped = errors.New("docker has gone away")

// rig is one client with a scripted service and a clock.
type rig struct {
	*script
	*clock
	client *vmdkops.Client
	ctx    context.Context
}

func newRig(t require.TestingT, stop int, steps ...step) *rig {
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &rig{script: &script{steps: steps}, clock: &clock{Env: seam.Real(), stop: stop, cancel: cancel}, ctx: ctx}
	var err error
	r.client, err = vmdkops.New(vmdkops.Config{Transport: r.script, Env: r.clock})
	require.NoError(t, err)
	return r
}

// command is one method of the client, with a reply that is its success.
type command struct {
	cmd     wire.Command
	success string
	call    func(context.Context, *vmdkops.Client) error
}

const device = `{"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}`

const volume = `{"created by VM": "vm1", "created": "Tue Dec 20 19:35:28 2016", "status": "attached", ` +
	`"capacity": {"size": "100MB", "allocated": "13MB"}, "datastore": "ds1", "attached to VM": "vm1", ` +
	`"attachedVMDevice": ` + device + `, "fstype": "ext4", "diskformat": "thin", ` +
	`"attach-as": "independent_persistent", "access": "read-write", "clone-from": "None"}`

var commands = []command{
	{wire.Create, `null`, func(ctx context.Context, c *vmdkops.Client) error {
		return c.Create(ctx, "v@ds1", map[string]string{"size": "1gb", "fstype": "ext4", "diskformat": "thin"})
	}},
	{wire.Remove, `null`, func(ctx context.Context, c *vmdkops.Client) error { return c.Remove(ctx, "v@ds1") }},
	{wire.Attach, device, func(ctx context.Context, c *vmdkops.Client) error {
		_, err := c.Attach(ctx, "v@ds1")
		return err
	}},
	{wire.Detach, `null`, func(ctx context.Context, c *vmdkops.Client) error { return c.Detach(ctx, "v@ds1") }},
	{wire.Get, volume, func(ctx context.Context, c *vmdkops.Client) error {
		_, err := c.Get(ctx, "v@ds1")
		return err
	}},
	{wire.List, `[{"Name": "v@ds1", "Attributes": {}}]`, func(ctx context.Context, c *vmdkops.Client) error {
		_, err := c.List(ctx)
		return err
	}},
	{wire.GetVersion, `{"version": "0.21"}`, func(ctx context.Context, c *vmdkops.Client) error {
		_, err := c.Version(ctx)
		return err
	}},
}

func find(t *testing.T, cmd wire.Command) command {
	t.Helper()
	for _, c := range commands {
		if c.cmd == cmd {
			return c
		}
	}
	require.FailNow(t, "no such command", cmd)
	return command{}
}

var nullReply = []byte("null")

// transportFunc is a Transport that needs no context.
type transportFunc func(request []byte) ([]byte, error)

func (f transportFunc) RoundTrip(_ context.Context, request []byte) ([]byte, error) {
	return f(request)
}
