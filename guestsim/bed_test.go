package guestsim_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

const (
	size = 100 << 20
	mnt  = "/mnt/data@ds1"
	dev  = "/dev/sd-15.0-0"
)

func at(unit string) wire.Device {
	return wire.Device{Unit: unit, ControllerPciSlotNumber: "160", ControllerPciBusNumber: "15.0"}
}

// bed is a guest with a script and a list of its violations, on media without locks.
type bed struct {
	*guestsim.Guest
	stage  *stage
	media  *guestsim.Media
	broken []string
}

func newBed(media *guestsim.Media) *bed {
	if media == nil {
		media = guestsim.NewMedia(nil)
	}
	b := &bed{stage: &stage{hooks: map[string]func(){}, faults: map[string]string{}}, media: media}
	b.Guest = guestsim.New(guestsim.Config{
		Env: seam.Real(), Stage: b.stage, Media: media,
		Violation: func(oracle, _ string) { b.broken = append(b.broken, oracle) },
	})
	return b
}

// mounted is a bed with disk d1, formatted, plugged into unit 0 and mounted.
func mounted(t *testing.T, media *guestsim.Media) *bed {
	b := newBed(media)
	require.NoError(t, b.Plug(at("0"), "d1", size))
	require.NoError(t, b.Mkfs(t.Context(), dev, "ext4", "data"))
	require.NoError(t, b.Mount(t.Context(), dev, mnt, "ext4", false))
	b.stage.seen = nil
	return b
}

// mounted2 mounts d1, which is formatted, in a new guest.
func mounted2(t *testing.T, media *guestsim.Media) *bed {
	b := newBed(media)
	require.NoError(t, b.Plug(at("0"), "d1", size))
	require.NoError(t, b.Mount(t.Context(), dev, mnt, "ext4", false))
	return b
}

// signal is a real Env that tells when a task waits in a monitor.
type signal struct {
	seam.Env
	waits chan struct{}
}

func (e signal) NewMonitor(name string) seam.Monitor {
	return &signalMonitor{e.Env.NewMonitor(name), e.waits}
}

type signalMonitor struct {
	seam.Monitor
	waits chan struct{}
}

func (m *signalMonitor) Wait(ctx context.Context) error {
	m.waits <- struct{}{}
	return m.Monitor.Wait(ctx)
}
