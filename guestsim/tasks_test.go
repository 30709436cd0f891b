package guestsim_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

func TestDiskWaits(t *testing.T) {
	env := signal{seam.Real(), make(chan struct{})}
	s := &stage{faults: map[string]string{}}
	g := guestsim.New(guestsim.Config{Env: env, Stage: s})
	type found struct {
		disk string
		err  error
	}
	wait := func(ctx context.Context, unit string) <-chan found {
		c := make(chan found, 1)
		go func() {
			disk, err := g.Disk(ctx, at(unit))
			c <- found{disk, err}
		}()
		<-env.waits
		return c
	}
	why := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	first, second := wait(ctx, "1"), wait(t.Context(), "0")
	cancel(why)
	require.ErrorIs(t, (<-first).err, why)

	s.faults["guest.plug"] = "lost"
	require.NoError(t, g.Plug(at("0"), "d1", size))
	require.Empty(t, second, "the guest did not notice")
	_, err := g.Probe(t.Context(), dev)
	require.ErrorIs(t, err, guestsim.ErrNoDisk)
	require.Len(t, g.Plugged(), 1, "but the host sees the disk there")
	require.NoError(t, g.Unplug(at("0")))

	require.NoError(t, g.Plug(at("0"), "d1", size))
	require.Equal(t, found{disk: dev}, <-second)
}

func TestManyTasks(t *testing.T) {
	media := guestsim.NewMedia(seam.Real())
	var broken []string
	var mu sync.Mutex
	var group sync.WaitGroup
	for vm := range 2 {
		g := guestsim.New(guestsim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Media: media, Violation: func(o, d string) {
			mu.Lock()
			defer mu.Unlock()
			broken = append(broken, o+": "+d)
		}})
		for unit := range 4 {
			place, id := at(fmt.Sprint(unit)), fmt.Sprintf("vm%d-d%d", vm, unit)
			mountpoint := "/mnt/" + id
			group.Go(func() { // the ESX host and the driver, meeting in Disk
				for i := range 50 {
					plugged := make(chan error, 1)
					go func() { plugged <- g.Plug(place, id, size) }()
					disk, err := g.Disk(t.Context(), place)
					if i == 0 && err == nil {
						err = g.Mkfs(t.Context(), disk, "ext4", "")
					}
					err = errors.Join(err, <-plugged,
						g.Mount(t.Context(), disk, mountpoint, "ext4", false),
						g.Write(mountpoint, "f", []byte(id)),
						g.Unmount(t.Context(), mountpoint),
						g.Release(t.Context(), disk),
						g.Unplug(place),
					)
					g.Mounts()
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	group.Wait()
	require.Empty(t, broken)
}
