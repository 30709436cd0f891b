package driver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/seam"
)

// Inside the package, because no method of Driver releases twice.
func TestSecondRelease(t *testing.T) {
	v := newVolumes(seam.Real())
	first, err := v.hold(t.Context(), "data")
	require.NoError(t, err)
	require.NoError(t, first.release())
	require.Empty(t, v.records)
	require.ErrorIs(t, first.release(), errNotHeld)

	second, err := v.hold(t.Context(), "data")
	require.NoError(t, err)
	require.ErrorIs(t, first.release(), errNotHeld)
	done, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	_, err = v.hold(done, "data")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, second.turn, v.records["data"].turn, "somebody's handle has ended")
	require.Len(t, v.records, 1, "somebody's lock was freed")
	require.NoError(t, second.release())
	require.Empty(t, v.records)
}

func TestRecordsLiveWhileSomebodyWaits(t *testing.T) {
	v := newVolumes(seam.Real())
	h, err := v.hold(t.Context(), "data")
	require.NoError(t, err)
	ctx, giveUp := context.WithCancel(t.Context())
	waited := make(chan error)
	go func() {
		_, err := v.hold(ctx, "data")
		waited <- err
	}()
	for users := 0; users != 2; {
		require.NoError(t, v.table.Lock(t.Context()))
		users = v.records["data"].users
		v.table.Unlock()
	}
	giveUp()
	require.ErrorIs(t, <-waited, context.Canceled)
	require.Equal(t, 1, v.records["data"].users)
	require.NoError(t, h.release())
	require.Empty(t, v.records)
}

func TestRefs(t *testing.T) {
	var r refs
	require.False(t, r.drop("a"))
	r.add("a")
	r.add("a")
	r.add("b")
	require.Equal(t, 3, r.total)
	require.True(t, r.drop("a"))
	require.True(t, r.has("a"))
	require.True(t, r.drop("a"))
	require.False(t, r.has("a"))
	require.False(t, r.drop("a"))
	require.Equal(t, 1, r.total)
}
