package driver_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

// deaf is a Docker that lets everybody wait.
type deaf struct{ *house }

func (d deaf) Containers(ctx context.Context) ([]driver.Container, error) {
	return nil, d.env.Sleep(ctx, 1000*time.Hour)
}

// A volume that was locked while recovery looked for mounts of the last life is not taken for looked at: equal names on two
// datastores share a lock, and the one that is busy is not the one that is mounted.
func TestWhatCouldNotBeTakenOver(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v@ds2")
		h.mount("v@ds2", "a")
		require.NoError(t, h.driver.Close(ctx))
		c := h.config
		c.Recovery = &driver.Recovery{Docker: deaf{h}, Machine: h.guest}
		var err error
		h.driver, err = driver.New(c)
		require.NoError(t, err)
		h.wire.fate["create"] = silent
		h.env.Go("create", func() { _ = h.driver.Create(ctx, "v@ds1", nil) })
		h.wait(time.Second)
		h.driver.Recover()
		h.wait(26 * time.Second) // it has given up, and asks Docker
		kind(t, driver.InUse, h.driver.Remove(ctx, "v@ds2"))
		require.Zero(t, h.calls.count("remove"), "ESX was asked to remove a volume that a container uses")
	})
}

// An Unmount that a pass could not explain, because it could not look at its volume, is not forgotten.
func TestAnUnmountOfABusyVolumeIsExplainedLater(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v@ds2")
		h.mount("v@ds2", "a")
		docker := &ps{list: []driver.Container{{ID: "a", Running: true, Volumes: []string{"v@ds2"}}}}
		h.nextLife(docker, hints{})
		h.wait(10 * time.Second)
		h.unmount("v@ds2", "a")
		docker.list = nil
		h.wire.fate["create"] = silent
		h.env.Go("create", func() { _ = h.driver.Create(ctx, "v@ds1", nil) })
		h.wait(90 * time.Second) // the next regular pass is later
		require.Empty(t, h.guest.Mounts())
		require.Empty(t, h.esx.Plugged("vm1"))
	})
}

// Hints that can be no volume's full name are of no use to any later life.
func TestHintsThatAreNoNames(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		f := hints{"": true, "..": true, "half": true, "half@": true, "a/b@ds1": true, "\x00\xff@ds1": true}
		h.nextLife(&ps{}, f)
		h.wait(10 * time.Second)
		require.Empty(t, f)
	})
}

// A Docker that never answers fills no log, and its return is said.
func TestASilentDockerIsSaidOnce(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		var said strings.Builder
		h.config.Log = slog.New(slog.NewTextHandler(&said, nil))
		docker := &ps{err: errors.New("connection refused")}
		h.nextLife(docker, hints{})
		h.wait(24 * time.Hour)
		require.Greater(t, docker.asked, 100)
		require.Equal(t, 1, strings.Count(said.String(), "connection refused"))
		require.NotContains(t, said.String(), "answers again")
		docker.err = nil
		h.wait(time.Hour)
		require.Equal(t, 1, strings.Count(said.String(), "answers again"))
		docker.err = errors.New("connection refused")
		h.wait(time.Hour)
		require.Equal(t, 2, strings.Count(said.String(), "connection refused"))
	})
}

// A container with many volumes starts slowly: each Mount may take as long as an operation may. Until the last was answered
// and some time after, what the last life mounted for it stays.
func TestAContainerThatStartsSlowly(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		h.provide("v", "w", "x")
		h.mount("v", "a")
		docker := &ps{list: []driver.Container{{ID: "a", Volumes: []string{"v@ds1", "w", "x"}}}}
		h.nextLife(docker, hints{})
		h.wait(100 * time.Second)
		h.mount("w", "a")
		h.wait(100 * time.Second)
		h.mount("x", "a")
		h.wait(100 * time.Second)
		require.Len(t, h.guest.Mounts(), 3, "the container is about to start on a bare directory")
		h.wait(30 * time.Second) // it will not start: something else failed
		require.Len(t, h.guest.Mounts(), 2)
		h.unmount("w", "a")
		h.unmount("x", "a")
		h.nothingLeft()
	})
}

// Mounts of a volume that a container names may be others' Mounts: one that does not start holds nothing for ever.
func TestAContainerThatNeverStarts(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		h.provide("v", "w")
		h.mount("v", "a")
		h.nextLife(&ps{list: []driver.Container{{ID: "a", Volumes: []string{"v", "w"}}}}, hints{})
		for range 40 { // a job that comes every minute
			h.mount("w", "job")
			h.wait(time.Second)
			h.unmount("w", "job")
			h.wait(time.Minute)
		}
		require.Empty(h, h.guest.Mounts())
		h.nothingLeft()
	})
}
