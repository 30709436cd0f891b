package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestWhoWakesAndWhatEndsAContextRace: whoever is woken does not give up any more, whether he looks at his context or not.
func TestWhoWakesAndWhatEndsAContextRace(t *testing.T) {
	s := func(kind string, body ...stmt) stmt { return stmt{kind: kind, body: body} }
	for name, clients := range map[string][][]stmt{
		"deadlines": {{s("wake"), s("wait")}, {s("shared", s("shared", s("wait")))}, {s("wake")}},
		"another's": {{s("lend", s("wake")), s("shared", s("lend", s("wait")), s("stop"))}},
		"cancelled": {{s("lock", s("shared", stmt{kind: "act", object: 1}, s("wait")))}, {s("lock", s("wake"))}, {s("stop")}},
	} {
		for _, locks := range []explore.LockModel{explore.Barging, explore.GoMutex} {
			for faults := range 2 {
				o := explore.Options{Locks: locks, Faults: faults}
				plain, _ := statesOf(explore.NewExhaustive(true), o, 100_000, clients)
				reduced, stats := statesOf(explore.NewExhaustive(false), o, 100_000, clients)
				require.NotNil(t, plain, name)
				require.Equal(t, plain, reduced, "%s, %v locks, %d faults: %+v", name, locks, faults, stats)
			}
		}
	}
}

// TestTheClockMovesOnAfterTheEnd: to come before a step in time it may have to move twice, and its first step races with nobody.
func TestTheClockMovesOnAfterTheEnd(t *testing.T) {
	s := func(kind string, body ...stmt) stmt { return stmt{kind: kind, body: body} }
	clients := [][]stmt{{s("shared", s("sleep")), s("shared", s("now")), s("spawn", s("shared", s("lock")))}, {}}
	for faults := range 4 {
		o := explore.Options{Faults: faults}
		plain, _ := statesOf(explore.NewExhaustive(true), o, 100_000, clients)
		reduced, stats := statesOf(explore.NewExhaustive(false), o, 100_000, clients)
		require.Equal(t, plain, reduced, "%d faults: %+v", faults, stats)
	}
}
