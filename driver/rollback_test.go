package driver_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/esxsim"
)

// fault makes an error as the door would.
func fault(method string) error {
	switch method {
	case "create", "attach", "detach", "get", "remove":
		return &vmdkops.Error{Kind: vmdkops.Failed, Err: errBoom}
	}
	return errBoom
}

// S31: whatever step of a Create fails, its error is told and nothing is left, but for a formatted volume.
func TestCreateRollsBack(t *testing.T) {
	for _, step := range []string{"create", "get", "attach", "disk", "probe", "mkfs", "release", "detach"} {
		t.Run(step, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				h.calls.fail["once "+step] = fault(step)
				err := h.driver.Create(ctx, "v", nil)
				require.ErrorIs(t, err, errBoom)
				require.Equal(t, 1, min(1, h.calls.count(step)))
				h.nothingLeft()
				switch step {
				case "release", "detach": // the file system was made by then
					require.Equal(t, "ext4", h.media.Content(h.store.Disks()[0].ID))
				case "probe": // in doubt
					require.Equal(t, []string{"v@ds1"}, h.disks())
					require.NoError(t, h.driver.Remove(ctx, "v"))
				default:
					require.Empty(t, h.disks())
				}
				require.NoError(t, h.driver.Create(ctx, "v", nil), "again")
				h.mount("v", "a")
				h.unmount("v", "a")
				h.nothingLeft()
			})
		})
	}
}

// S31, and the way back is blocked too: the disk goes later. The volume stays, because by then it may be another's.
func TestCreateThatCannotRollBack(t *testing.T) {
	for _, step := range []string{"attach", "disk", "mkfs"} {
		for _, second := range []string{"release", "detach", "remove"} {
			t.Run(step+" "+second, func(t *testing.T) {
				live(t, func(h *house, ctx context.Context) {
					h.calls.fail["once "+step] = fault(step)
					h.calls.fail["once "+second] = fault(second)
					require.ErrorIs(t, h.driver.Create(ctx, "v", nil), errBoom)
					h.nothingLeft()
					clear(h.calls.fail)
					require.NoError(t, h.driver.Remove(ctx, "v"))
					require.NoError(t, h.driver.Create(ctx, "v", nil))
				})
			})
		}
	}
}

// S31: whatever step of a Mount fails, its error is told and nothing is left.
func TestMountRollsBack(t *testing.T) {
	for _, step := range []string{"get", "attach", "disk", "mounted", "mount"} {
		for _, second := range []string{"", "release", "detach"} {
			t.Run(step+" "+second, func(t *testing.T) {
				live(t, func(h *house, ctx context.Context) {
					h.provide("v")
					h.calls.fail["once "+step] = fault(step)
					if second != "" {
						h.calls.fail["once "+second] = fault(second)
					}
					_, err := h.driver.Mount(ctx, "v", "a")
					require.ErrorIs(t, err, errBoom)
					require.Zero(t, h.references()["v@ds1"])
					path, err := h.driver.Path(ctx, "v")
					require.NoError(t, err)
					require.Empty(t, path)
					h.nothingLeft()
					clear(h.calls.fail)
					h.mount("v", "a")
					require.Equal(t, map[string]int{"v@ds1": 1}, h.references())
					h.unmount("v", "a")
					h.nothingLeft()
				})
			})
		}
	}
}

// Whatever step of the last Unmount fails, the reference is gone, the error is told, and the disk goes later.
func TestUnmountGoesOnInTheBackground(t *testing.T) {
	for _, step := range []string{"unmount", "release", "detach"} {
		t.Run(step, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				h.provide("v")
				h.mount("v", "a")
				h.calls.fail[step] = fault(step)
				err := h.driver.Unmount(ctx, "v", "a")
				require.ErrorIs(t, err, errBoom)
				require.Equal(t, map[string]int{"v@ds1": 0}, h.references())
				require.NotEmpty(t, h.guest.Plugged())
				path, err := h.driver.Path(ctx, "v")
				require.NoError(t, err)
				require.Empty(t, path)
				require.Error(t, h.driver.Remove(ctx, "v"), "it is attached")

				require.NoError(t, h.env.Sleep(ctx, time.Hour))
				tries := h.calls.count(step)
				require.Greater(t, tries, 60, "it gave up")
				require.Less(t, tries, 200, "it never pauses")
				delete(h.calls.fail, step)
				h.nothingLeft()
				require.Equal(t, tries+1, h.calls.count(step))
			})
		})
	}
}

// A disk that lingers is taken over by the next Mount.
func TestMountOfWhatLingers(t *testing.T) {
	for _, step := range []string{"unmount", "release", "detach"} {
		t.Run(step, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				h.provide("v")
				h.mount("v", "a")
				h.calls.fail[step] = fault(step)
				require.Error(t, h.driver.Unmount(ctx, "v", "a"))
				h.mount("v", "b")
				require.NoError(t, h.env.Sleep(ctx, time.Hour))
				require.Equal(t, map[string]int{"v@ds1": 1}, h.references())
				_, mounted := h.guest.At(root + "/v@ds1")
				require.True(t, mounted, "the background task took it away")
				delete(h.calls.fail, step)
				h.unmount("v", "b")
				h.nothingLeft()
			})
		})
	}
}

// Remove lets a disk that lingers go first.
func TestRemoveOfWhatLingers(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		h.mount("v", "a")
		h.calls.fail["once release"] = errBoom
		kind(t, driver.InUse, h.driver.Unmount(ctx, "v", "a"))
		require.NoError(t, h.driver.Remove(ctx, "v"))
		require.Empty(t, h.disks())
		h.nothingLeft()
	})
}

// Something that an earlier life left at the mountpoint is not covered up (docs/original.md D27).
func TestStaleMount(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v", "old")
		stale := h.mount("old", "a")
		disk, err := h.guest.Mounted(ctx, stale)
		require.NoError(t, err)
		require.NoError(t, h.guest.Unmount(ctx, stale))
		require.NoError(t, h.guest.Mount(ctx, disk, root+"/v@ds1", "ext4", false))

		_, err = h.driver.Mount(ctx, "v", "b")
		kind(t, driver.Doubt, err)
		require.ErrorContains(t, err, disk)
		m, ok := h.guest.At(root + "/v@ds1")
		require.True(t, ok)
		require.Equal(t, disk, m.Disk, "another's mount was touched")
		require.NoError(t, h.guest.Unmount(ctx, root+"/v@ds1"))
		h.unmount("old", "a")
		h.nothingLeft()
	})
}

// A mount that an earlier life of the plugin left is taken over.
func TestMountOfAnEarlierLife(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		at := h.mount("v", "a")
		d, err := driver.New(h.config)
		require.NoError(t, err)
		again, err := d.Mount(ctx, "v", "b")
		require.NoError(t, err)
		require.Equal(t, at, again)
		require.Equal(t, 1, h.calls.count("mount"))
		require.NoError(t, d.Unmount(ctx, "v", "b"))
		require.Empty(t, h.guest.Plugged())
	})
}

// A failed Mount does not pull the disk from under a file system that an earlier life of the plugin mounted, or that
// another mount namespace holds: even if the device could not be found this time (docs/original.md §2.8).
func TestFailedMountOfADiskInUse(t *testing.T) {
	t.Run("earlier life", func(t *testing.T) {
		live(t, func(h *house, ctx context.Context) {
			h.provide("v")
			h.mount("v", "a")
			d, err := driver.New(h.config)
			require.NoError(t, err)
			h.calls.fail["once disk"] = errBoom
			h.calls.fail["release"] = errBoom // a container's mount namespace
			_, err = d.Mount(ctx, "v", "b")
			require.ErrorIs(t, err, errBoom)
			require.Zero(t, h.calls.count("detach"))
			require.NotEmpty(t, h.guest.Plugged())
			delete(h.calls.fail, "release")
			require.NoError(t, h.env.Sleep(ctx, time.Minute))
			require.Empty(t, h.guest.Plugged())
			require.NoError(t, d.Close(ctx))
		})
	})
	// Its access mode was changed since. No reference of that life is known, so nobody would ever unmount it if not this
	// Mount: it lets the volume go once the containers of that life, which see the mount in their own namespaces, have ended.
	t.Run("earlier life, other access mode", func(t *testing.T) {
		live(t, func(h *house, ctx context.Context) {
			h.provide("v")
			h.mount("v", "a")
			at := h.store.Disks()[0].Volume
			text, err := h.store.ReadMeta(ctx, at)
			require.NoError(t, err)
			meta, err := esxsim.DecodeMeta(text)
			require.NoError(t, err)
			meta.VolOpts = map[string]string{"access": "read-only"}
			require.NoError(t, h.store.WriteMeta(ctx, at, esxsim.EncodeMeta(meta)))

			d, err := driver.New(h.config)
			require.NoError(t, err)
			h.calls.fail["release"] = errBoom // a container's mount namespace
			_, err = d.Mount(ctx, "v", "b")
			kind(t, driver.Doubt, err)
			require.ErrorContains(t, err, "access mode")
			require.Zero(t, h.calls.count("detach"))
			require.NotEmpty(t, h.guest.Plugged())
			delete(h.calls.fail, "release")
			require.NoError(t, h.env.Sleep(ctx, time.Minute))
			require.Empty(t, h.guest.Plugged())
			at2, err := d.Mount(ctx, "v", "b")
			require.NoError(t, err)
			m, ok := h.guest.At(at2)
			require.True(t, ok && m.ReadOnly)
			require.NoError(t, d.Unmount(ctx, "v", "b"))
			require.NoError(t, d.Close(ctx))
		})
	})
	t.Run("lingering", func(t *testing.T) {
		live(t, func(h *house, ctx context.Context) {
			h.provide("v")
			h.mount("v", "a")
			h.calls.fail["release"] = errBoom
			require.Error(t, h.driver.Unmount(ctx, "v", "a"))
			h.calls.fail["disk"] = errBoom
			_, err := h.driver.Mount(ctx, "v", "b")
			require.ErrorIs(t, err, errBoom)
			require.Error(t, h.driver.Create(ctx, "v", nil))
			require.Zero(t, h.calls.count("detach"))
			require.NotEmpty(t, h.guest.Plugged())
			delete(h.calls.fail, "release")
			h.nothingLeft()
		})
	})
}

// Docker never unmounts what it did not hear of: at whatever step it hangs up, nothing is left.
func TestMountWhoseCallerHangsUp(t *testing.T) {
	for _, step := range []string{"get", "attach", "disk", "mounted", "mount"} {
		t.Run(step, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				h.provide("v")
				gone, hangUp := context.WithCancel(ctx)
				h.calls.before = func(method string) {
					if method == step {
						hangUp()
					}
				}
				_, err := h.driver.Mount(gone, "v", "a")
				require.ErrorIs(t, err, context.Canceled)
				require.Zero(t, h.references()["v@ds1"])
				h.nothingLeft()
			})
		})
	}
}

func TestMountOfAMountedVolumeWhoseCallerIsGone(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		h.mount("v", "a")
		gone, hangUp := context.WithCancel(ctx)
		hangUp()
		_, err := h.driver.Mount(gone, "v", "b")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, map[string]int{"v@ds1": 1}, h.references())
		require.NoError(t, h.driver.Unmount(gone, "v", "a"), "an unmount is done for whom it may concern")
		require.Empty(t, h.guest.Plugged())
		h.nothingLeft()
	})
}
