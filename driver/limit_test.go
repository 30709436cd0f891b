package driver_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

// A host that serves volumes at once gets more and more of them at once. Attaches and detaches that had nothing to do, as
// when a refused Mount is undone or a lingering disk taken over, say nothing of how long one takes.
func TestWhatHadNothingToDoDoesNotKeepTheLimitLow(t *testing.T) {
	for _, c := range []struct {
		name  string
		first func(h *house, ctx context.Context)
	}{
		{"nothing", func(*house, context.Context) {}},
		{"refused mount", func(h *house, ctx context.Context) {
			h.other("attach", "v0")
			_, err := h.driver.Mount(ctx, "v0", "a")
			kind(h, driver.InUse, err)
			h.other("detach", "v0")
		}},
		{"disk that lingered", func(h *house, ctx context.Context) {
			h.mount("v0", "a")
			h.calls.fail["once detach"] = fault("detach")
			require.Error(h, h.driver.Unmount(ctx, "v0", "a"))
			h.mount("v0", "a")
			h.unmount("v0", "a")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				const clients = 40 // fewer than a VM takes disks
				volumes := make([]string, clients)
				for i := range volumes {
					volumes[i] = fmt.Sprintf("v%d", i)
				}
				h.provide(volumes...)
				inFlight, most, left, first := 0, 0, clients, true
				h.calls.before = func(method string) {
					if method != "attach" && method != "detach" {
						return
					}
					took := 50 * time.Millisecond
					if first && (method == "attach") == (len(h.guest.Plugged()) > 0) {
						took = time.Millisecond // nothing to do
					}
					inFlight++
					most = max(most, inFlight)
					require.NoError(h, h.env.Sleep(ctx, took))
					inFlight--
				}
				c.first(h, ctx)
				first = false
				for _, v := range volumes {
					h.env.Go("client "+v, func() {
						for range 20 {
							h.mount(v, "a")
							h.unmount(v, "a")
						}
						left--
					})
				}
				for left > 0 {
					require.NoError(h, h.env.Sleep(ctx, time.Second))
				}
				require.Equal(h, clients, most)
				h.nothingLeft()
			})
		})
	}
}
