package driver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
)

// ps is Docker's list of containers.
type ps struct {
	list  []driver.Container
	err   error
	asked int
}

func (p *ps) Containers(context.Context) ([]driver.Container, error) {
	p.asked++
	return p.list, p.err
}

// hints is the hint file.
type hints map[string]bool

func (f hints) Load() (volumes []string) {
	for v := range f {
		volumes = append(volumes, v)
	}
	return volumes
}

func (f hints) Keep(volume string) { f[volume] = true }
func (f hints) Drop(volume string) { delete(f, volume) }

// nextLife replaces the driver by one that knows nothing but what recovery finds.
func (h *house) nextLife(docker *ps, f hints) {
	h.Helper()
	require.NoError(h, h.driver.Close(context.Background()))
	c := h.config
	c.Recovery = &driver.Recovery{Docker: docker, Machine: h.guest, Hints: f}
	var err error
	h.driver, err = driver.New(c)
	require.NoError(h, err)
	h.driver.Recover()
}

func (h *house) wait(d time.Duration) {
	h.Helper()
	require.NoError(h, h.env.Sleep(context.Background(), d))
}

func TestRecoveryNeedsItsSources(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		c := h.config
		c.Recovery = &driver.Recovery{Machine: h.guest}
		_, err := driver.New(c)
		require.ErrorContains(t, err, "Docker")
	})
}

// Five containers of the last life, under two names, end one after another; the volume goes with the last, soon.
func TestVolumesOfTheLastLifeGoWithTheirLastContainer(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		docker := &ps{}
		for _, id := range []string{"a", "b", "c"} {
			at := h.mount("v", id)
			require.Equal(t, root+"/v@ds1", at)
			docker.list = append(docker.list, driver.Container{ID: "container " + id, Running: true, Volumes: []string{"v"}})
		}
		docker.list[1].Volumes[0] = "v@DS1"
		h.nextLife(docker, hints{})
		h.wait(10 * time.Second)
		require.Equal(t, map[string]int{"v@ds1": 3}, h.references())
		v, err := h.driver.Get(ctx, "v")
		require.NoError(t, err)
		require.Equal(t, root+"/v@ds1", v.Mountpoint)
		for i, id := range []string{"c", "a", "b"} {
			kind(t, driver.InUse, h.driver.Remove(ctx, "v"))
			require.Len(t, h.guest.Mounts(), 1)
			h.unmount("v", id)
			docker.list = docker.list[:2-i]
			if id == "c" { // Docker is slow to note that one
				docker.list = docker.list[:3]
				h.wait(5 * time.Second)
				require.Equal(t, map[string]int{"v@ds1": 3}, h.references())
				docker.list = docker.list[:2]
			}
			h.wait(10 * time.Second)
		}
		require.Empty(t, h.guest.Mounts())
		require.Empty(t, h.esx.Plugged("vm1"))
		require.NoError(t, h.driver.Remove(ctx, "v"))
	})
}

// A Mount of this life joins the containers of the last one, and its Unmount leaves them what they have.
func TestMountJoinsTheLastLife(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		h.provide("v")
		h.mount("v", "old")
		docker := &ps{err: errors.New("no Docker yet")}
		h.nextLife(docker, hints{})
		h.mount("v", "new")
		h.unmount("v", "new")
		h.wait(time.Hour)
		require.Len(t, h.guest.Mounts(), 1, "let go without a word of Docker")
		docker.err, docker.list = nil, []driver.Container{{ID: "x", Running: true, Volumes: []string{"v"}}}
		h.wait(time.Hour)
		require.Len(t, h.guest.Mounts(), 1)
		docker.list[0].Running = false
		h.wait(time.Hour)
		h.nothingLeft()
	})
}

// Remove is Docker's word that no container names the volume: it need not wait for one that is about to start.
func TestRemoveAsksDocker(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v", "w")
		h.mount("v", "a")
		h.mount("w", "b")
		docker := &ps{list: []driver.Container{{ID: "starts", Volumes: []string{"w"}}}}
		h.nextLife(docker, hints{})
		h.wait(5 * time.Second)
		require.Len(t, h.guest.Mounts(), 2)
		require.NoError(t, h.driver.Remove(ctx, "v"))
		kind(t, driver.InUse, h.driver.Remove(ctx, "w"))
		docker.err = errors.New("connection refused")
		err := h.driver.Remove(ctx, "w")
		kind(t, driver.InUse, err)
		require.ErrorContains(t, err, "connection refused")
	})
}

// What is attached and not mounted is found through the hint, whatever the metadata say of it, and let go once.
func TestStrayDisks(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		h.provide("v")
		f := hints{"v@ds1": true, "gone@ds1": true}
		_, err := h.config.Backend.Attach(context.Background(), "v")
		require.NoError(t, err)
		h.nextLife(&ps{}, f)
		h.wait(10 * time.Second)
		require.Empty(t, h.esx.Plugged("vm1"))
		require.NotContains(t, f, "gone@ds1")
		h.wait(20 * time.Minute)
		require.Empty(t, f)
		require.Equal(t, 2, h.calls.count("attach"), "its own, and one to prove that the disk is there")
	})
}

// Something that the plugin did not mount stays, and nobody is told of it.
func TestForeignMountsStay(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v", "w")
		at, err := h.config.Backend.Attach(ctx, "w")
		require.NoError(t, err)
		disk, err := h.guest.Disk(ctx, at)
		require.NoError(t, err)
		require.NoError(t, h.guest.Mount(ctx, disk, root+"/v@ds1", "ext4", false))
		h.nextLife(&ps{}, hints{})
		h.wait(20 * time.Minute)
		require.Len(t, h.guest.Mounts(), 1)
		_, err = h.driver.Mount(ctx, "v", "a")
		kind(t, driver.Doubt, err)
		require.Len(t, h.guest.Mounts(), 1)
		require.NoError(t, h.guest.Unmount(ctx, root+"/v@ds1"))
	})
}

// A mountpoint that is no full name is not the plugin's: the driver never mounts there, and believes nothing of it.
func TestMountsThatAreNoFullNamesStay(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v", "w")
		require.NoError(t, h.guest.Mount(ctx, h.plug(ctx, "w"), root+"/v", "ext4", false))
		h.calls.fail["get"] = &vmdkops.Error{Kind: vmdkops.Unknown, Err: errBoom}
		h.nextLife(&ps{}, hints{})
		h.wait(20 * time.Minute)
		delete(h.calls.fail, "get")
		require.Empty(t, h.references())
		at := h.mount("v", "a")
		v, err := h.driver.Get(ctx, "v")
		require.NoError(t, err)
		require.Equal(t, at, v.Mountpoint)
		h.unmount("v", "a")
		require.NoError(t, h.driver.Remove(ctx, "v"))
		require.Len(t, h.guest.Mounts(), 1)
		require.NoError(t, h.guest.Unmount(ctx, root+"/v"))
	})
}
