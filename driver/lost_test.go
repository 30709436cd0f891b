package driver_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

// What a lost message does to each command; every answer must be true.
func TestLostMessages(t *testing.T) {
	for _, cmd := range []string{"create", "remove", "attach", "detach", "get", "list"} {
		for name, f := range map[string]fate{"reply": replyLost, "request": requestLost} {
			t.Run(cmd+" "+name, func(t *testing.T) {
				live(t, func(h *house, ctx context.Context) {
					h.wire.fate[cmd] = f
					err := h.driver.Create(ctx, "v", nil)
					if cmd == "create" && f == requestLost {
						kind(t, driver.Unreachable, err)
						require.Empty(t, h.disks())
						err = h.driver.Create(ctx, "v", nil)
					}
					require.NoError(t, err)
					require.Equal(t, 1, h.media.Formats(h.store.Disks()[0].ID))

					h.wire.fate[cmd] = f
					h.mount("v", "a")
					vs, err := h.driver.List(ctx)
					require.NoError(t, err)
					require.Len(t, vs, 1)
					h.unmount("v", "a")

					h.wire.fate[cmd] = f
					err = h.driver.Remove(ctx, "v")
					if cmd == "remove" && f == requestLost {
						kind(t, driver.Unreachable, err)
						require.NotEmpty(t, h.disks())
						err = h.driver.Remove(ctx, "v")
					}
					require.NoError(t, err)
					require.Empty(t, h.disks())
					delete(h.wire.fate, cmd)
					h.nothingLeft()
				})
			})
		}
	}
}

// A request that seemed lost is executed after all: the driver asks only when that must have happened.
func TestLateRequests(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.wire.fate["create"] = late
		require.NoError(t, h.driver.Create(ctx, "v", nil))
		require.Equal(t, 1, h.media.Formats(h.store.Disks()[0].ID))
		h.mount("v", "a")
		h.unmount("v", "a")
		h.wire.fate["remove"] = late
		require.NoError(t, h.driver.Remove(ctx, "v"))
		require.Empty(t, h.disks())
		h.nothingLeft()
	})
}

// No answer comes at all: each operation says so in its time, and what it may have done is undone.
func TestSilence(t *testing.T) {
	for _, cmd := range []string{"create", "get", "attach", "detach", "remove", "list"} {
		for name, f := range map[string]fate{"never arrives": silent, "never answered": allLost} {
			t.Run(cmd+" "+name, func(t *testing.T) {
				live(t, func(h *house, ctx context.Context) {
					h.provide("v")
					h.wire.fate[cmd] = f
					// An operation may need as long again to put things back.
					timed := func(op string, call func() error) {
						start := h.env.Now()
						err := call()
						took := h.env.Now().Sub(start)
						require.LessOrEqual(t, took, 2*driver.DefaultTimeout+5*time.Second, "%s: %v", op, err)
						if err != nil {
							require.Contains(t, []driver.Kind{driver.Unreachable, driver.Busy}, driver.KindOf(err), "%v", err)
						}
					}
					timed("create", func() error { return h.driver.Create(ctx, "w", nil) })
					timed("mount", func() error {
						_, err := h.driver.Mount(ctx, "v", "a")
						if err == nil {
							require.NoError(t, h.guest.Write(root+"/v@ds1", "f", nil))
							require.Zero(t, h.guest.Bare(root+"/v@ds1"))
						}
						return err
					})
					timed("list", func() error { _, err := h.driver.List(ctx); return err })
					timed("unmount", func() error { return h.driver.Unmount(ctx, "v", "a") })
					timed("remove", func() error { return h.driver.Remove(ctx, "v") })
					clear(h.wire.fate)
					h.nothingLeft()
				})
			})
		}
	}
}

func TestGetFromWhatIsKnown(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v", "w")
		at := h.mount("v", "a")
		h.wire.fate["get"] = silent
		v, err := h.driver.Get(ctx, "v")
		require.NoError(t, err)
		require.Equal(t, "v", v.Name)
		require.Equal(t, at, v.Mountpoint)
		require.Equal(t, "simulated", v.Status["backend"])
		_, err = h.driver.Get(ctx, "w")
		kind(t, driver.Unreachable, err)
		clear(h.wire.fate)
		h.unmount("v", "a")
	})
}

func TestGetKinds(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		_, err := h.driver.Get(ctx, "v")
		kind(t, driver.NotFound, err)
		h.provide("v")
		disk := h.store.Disks()[0].Volume
		require.NoError(t, h.store.DeleteMeta(ctx, disk))
		v, err := h.driver.Get(ctx, "v")
		require.NoError(t, err, "its metadata is lost, but there is a volume")
		require.Equal(t, "v", v.Name)
		require.Contains(t, v.Status["status"], "unknown")
		_, err = h.driver.Mount(ctx, "v", "a")
		kind(t, driver.Doubt, err)
		h.nothingLeft()
	})
}

// A Get, Path or List never waits for an operation on its volume.
func TestGetWaitsForNobody(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		h.wire.fate["attach"] = silent
		h.env.Go("mount", func() { _, _ = h.driver.Mount(ctx, "v", "a") })
		require.NoError(t, h.env.Sleep(ctx, time.Second)) // it hangs in its attach now
		start := h.env.Now()
		_, err := h.driver.Get(ctx, "v")
		require.NoError(t, err)
		_, err = h.driver.Path(ctx, "v")
		require.NoError(t, err)
		_, err = h.driver.List(ctx)
		require.NoError(t, err)
		require.Equal(t, start, h.env.Now())
		clear(h.wire.fate)
		h.nothingLeft()
	})
}

// A volume whose operation hangs delays no other one.
func TestOthersWhileOneHangs(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v", "w")
		h.calls.hang = "w" // Docker's request for w only
		h.env.Go("mount", func() { _, _ = h.driver.Mount(ctx, "w", "a") })
		require.NoError(t, h.env.Sleep(ctx, time.Second))
		start := h.env.Now()
		h.mount("v", "a")
		h.unmount("v", "a")
		require.Equal(t, start, h.env.Now())
		h.calls.hang = ""
		h.nothingLeft()
	})
}

// An Unmount that cannot get the volume's lock in time is done later: Docker does not come again.
func TestUnmountWhileBusy(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v@ds1", "v@ds2")
		at := h.mount("v", "a")
		h.wire.fate["attach"] = silent
		h.env.Go("mount", func() { _, _ = h.driver.Mount(ctx, "v@ds2", "b") })
		require.NoError(t, h.env.Sleep(ctx, time.Millisecond)) // it holds the lock of both
		kind(t, driver.Busy, h.driver.Unmount(ctx, "v", "a"))
		_, mounted := h.guest.At(at)
		require.True(t, mounted)
		clear(h.wire.fate)
		h.nothingLeft()
	})
}

// Close waits for an attempt that is under way.
func TestCloseDuringAnAttempt(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		h.mount("v", "a")
		h.calls.fail["once detach"] = fault("detach")
		require.Error(t, h.driver.Unmount(ctx, "v", "a"))
		h.wire.fate["detach"] = silent
		require.NoError(t, h.env.Sleep(ctx, 2*time.Second))
		require.Equal(t, 2, h.calls.count("detach"), "an attempt runs")
		start := h.env.Now()
		require.NoError(t, h.driver.Close(ctx))
		require.True(t, h.env.Now().After(start), "a detach of unknown fate gets its time")
		require.Less(t, h.env.Now().Sub(start), driver.DefaultTimeout)
	})
}

// Close ends what waits in the background, and lets the volumes be.
func TestCloseWhileADiskLingers(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v", "w")
		h.mount("v", "a")
		at := h.mount("w", "a")
		h.calls.fail["release"] = errBoom
		require.Error(t, h.driver.Unmount(ctx, "v", "a"))
		start := h.env.Now()
		require.NoError(t, h.driver.Close(ctx))
		require.Equal(t, start, h.env.Now())
		tries := h.calls.count("release")
		require.NoError(t, h.env.Sleep(ctx, time.Hour))
		require.Equal(t, tries, h.calls.count("release"))
		_, mounted := h.guest.At(at)
		require.True(t, mounted)
	})
}
