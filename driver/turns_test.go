package driver_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

// Two hosts create the same volume at once, as the services of a swarm do. Whoever is in the way for a moment, both succeed,
// and the volume is formatted once.
func TestCreateTakesTurnsWithAnotherHost(t *testing.T) {
	const moment = 500 * time.Millisecond
	for _, c := range []struct {
		name  string
		other func(h *house) // is at work before our Create, or at our first attach
		late  bool
		then  func(h *house) // a moment later
		mkfs  int            // ours
	}{
		{
			name: "the other made it and formats it",
			other: func(h *house) {
				require.Equal(h, "null", h.other("create", "v"))
				require.NotContains(h, h.other("attach", "v"), "Error")
			},
			then: func(h *house) {
				h.media.Format(h.store.Disks()[0].ID, "ext4", "v")
				require.Equal(h, "null", h.other("detach", "v"))
			},
		},
		{
			name:  "the other made it and will format it",
			other: func(h *house) { require.Equal(h, "null", h.other("create", "v")) },
			then:  func(h *house) { h.media.Format(h.store.Disks()[0].ID, "ext4", "v") },
		},
		{
			name:  "we made it and the other looks what it is",
			other: func(h *house) { require.NotContains(h, h.other("attach", "v"), "Error") }, late: true,
			then: func(h *house) { require.Equal(h, "null", h.other("detach", "v")) },
			mkfs: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				begun := false
				begin := func() {
					if begun {
						return
					}
					begun = true
					c.other(h)
					h.env.Go("other", func() {
						if h.env.Sleep(ctx, moment) == nil {
							c.then(h)
						}
					})
				}
				if c.late {
					h.calls.before = func(method string) {
						if method == "attach" {
							begin()
						}
					}
				} else {
					begin()
				}
				start := h.env.Now()
				require.NoError(t, h.driver.Create(ctx, "v", nil))
				require.GreaterOrEqual(t, h.env.Now().Sub(start), moment)
				require.Equal(t, c.mkfs, h.calls.count("mkfs"))
				require.Equal(t, "ext4", h.media.Content(h.store.Disks()[0].ID))
				h.mount("v", "a")
				h.unmount("v", "a")
				h.nothingLeft()
			})
		})
	}
}

// A container of the other host does not give the volume back in a moment: Create says who has it, soon, and leaves it.
func TestCreateOfWhatAnotherHostUses(t *testing.T) {
	for _, ours := range []bool{false, true} {
		live(t, func(h *house, ctx context.Context) {
			if ours {
				h.calls.before = func(method string) {
					if method == "attach" {
						h.other("attach", "v")
					}
				}
			} else {
				h.provide("v")
				require.NotContains(t, h.other("attach", "v"), "Error")
			}
			start := h.env.Now()
			err := h.driver.Create(ctx, "v", nil)
			kind(t, driver.InUse, err)
			require.ErrorContains(t, err, "vm2")
			require.Less(t, h.env.Now().Sub(start), 5*time.Second)
			require.Zero(t, h.calls.count("mkfs"))
			require.Zero(t, h.calls.count("remove"))
			require.Equal(t, []string{"v@ds1"}, h.disks())
			require.Equal(t, "null", h.other("detach", "v"))
			h.nothingLeft()
		})
	}
}
