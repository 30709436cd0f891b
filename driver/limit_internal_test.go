package driver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/seam"
)

// service answers what is in flight on a limit, one after another or all at once, and returns the limit after so many
// answers. There is always more to do than the limit allows.
func service(t require.TestingT, l *limit, atOnce bool, answers int) int {
	const alone = 50 * time.Millisecond
	ctx := context.Background()
	inFlight := 0
	for range answers {
		for inFlight < l.max {
			require.NoError(t, l.enter(ctx))
			inFlight++
		}
		took := alone
		if !atOnce {
			took *= time.Duration(inFlight) // those before it came first
		}
		l.leave(attaching, took)
		inFlight--
	}
	for range inFlight {
		l.leave(attaching, 0)
	}
	return l.max
}

// alone teaches a limit what an answer takes when there is nothing else to do.
func alone(t require.TestingT, l *limit) {
	require.NoError(t, l.enter(context.Background()))
	l.leave(attaching, 50*time.Millisecond)
}

func TestTheLimitGrowsOnlyWhereItHelps(t *testing.T) {
	l := newLimit(seam.Real())
	alone(t, l)
	require.Equal(t, fewestPlugging, service(t, l, false, 500), "one at a time")
	require.Equal(t, mostPlugging, service(t, l, true, 500), "all at once")
	require.Equal(t, fewestPlugging, service(t, l, false, 500), "one at a time again")
}

func TestTheLimitGrowsOnlyIfItIsInTheWay(t *testing.T) {
	l := newLimit(seam.Real())
	for range 500 {
		alone(t, l)
	}
	require.Equal(t, fewestPlugging, l.max)
}

func TestAFullLimitLetsNobodyIn(t *testing.T) {
	l := newLimit(seam.Real())
	for range fewestPlugging {
		require.NoError(t, l.enter(t.Context()))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.enter(ctx), context.DeadlineExceeded)
	require.Equal(t, fewestPlugging, l.running)
}

func TestAFailureTeachesTheLimitNothing(t *testing.T) {
	l := newLimit(seam.Real())
	alone(t, l)
	require.NoError(t, l.enter(t.Context()))
	l.leave(attaching, 0)
	require.Equal(t, 50*time.Millisecond, l.quickest[attaching])
	require.Zero(t, l.quickest[detaching])
}

// Whatever the service does, the number of places in use is right and the limit stays in its bounds; after the last
// answer nobody is in.
func TestTheLimitStaysInItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLimit(seam.Real())
		inFlight := 0
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			if inFlight < l.max && rapid.IntRange(0, 3).Draw(t, "enter") > 0 {
				require.NoError(t, l.enter(context.Background()))
				inFlight++
			} else if inFlight > 0 {
				p := plugging(rapid.IntRange(0, int(numPluggings)-1).Draw(t, "plugging"))
				l.leave(p, time.Duration(rapid.IntRange(0, 5).Draw(t, "took")))
				inFlight--
			}
			require.Equal(t, inFlight, l.running)
			require.GreaterOrEqual(t, l.max, fewestPlugging)
			require.LessOrEqual(t, l.max, mostPlugging)
		}
	})
}

// A limit that fell while more were in flight than it allows lets nobody in before they are fewer.
func TestAFullLimitWakesWhoWaits(t *testing.T) {
	l := newLimit(seam.Real())
	alone(t, l)
	l.max = mostPlugging
	const inFlight = fewestPlugging + 2
	for range inFlight {
		require.NoError(t, l.enter(t.Context()))
	}
	l.leave(attaching, time.Hour)
	require.Equal(t, fewestPlugging, l.max)
	in := make(chan error)
	go func() { in <- l.enter(t.Context()) }()
	running := func() int {
		require.NoError(t, l.monitor.Lock(t.Context()))
		defer l.monitor.Unlock()
		return l.running
	}
	for left := inFlight - 1; left > fewestPlugging; left-- {
		require.Equal(t, left, running(), "somebody came in although the limit is full")
		l.leave(attaching, time.Hour)
	}
	require.Equal(t, fewestPlugging, running())
	l.leave(attaching, time.Hour)
	require.NoError(t, <-in)
	require.Equal(t, fewestPlugging, running())
}
