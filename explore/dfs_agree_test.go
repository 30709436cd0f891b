package explore_test

import (
	"maps"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// statesOf runs a search to its end; nil if that is too far away.
func statesOf(dfs *explore.Exhaustive, o explore.Options, most int, clients [][]stmt) (map[string]bool, explore.ExhaustiveStats) {
	r := explore.NewRunner()
	defer r.Close()
	states := map[string]bool{}
	var p *wide
	program := wideProgram(clients, o.Records, &p)
	for n := 0; dfs.More(); n++ {
		if n == most {
			return nil, dfs.Stats()
		}
		res := r.Run(program, dfs, n, o)
		if res.Abandoned {
			continue
		}
		state := p.state()
		if res.Failure != nil {
			p.vars = [2]string{} // tasks that are unwound after the end write, too
			state = p.state() + res.Failure.Oracle
			if res.Failure.Oracle == explore.PanicOracle {
				return nil, dfs.Stats() // it holds no lock after a wait that a crash ended
			}
		}
		states[state] = true
	}
	return states, dfs.Stats()
}

// wideSeeds are the first program, and how many, whatever the environment does not say.
func wideSeeds() (from, n int) {
	from, _ = strconv.Atoi(os.Getenv("VMDKVOL_WIDE_FROM"))
	n, err := strconv.Atoi(os.Getenv("VMDKVOL_WIDE"))
	if err != nil {
		n = shortly(400)
	}
	return from, n
}

// locksOf takes turns with the lock models.
func locksOf(n int) explore.LockModel {
	if n%3 == 2 {
		return explore.GoMutex
	}
	return explore.Barging
}

func TestReducedSearchSeesWhatPlainSearchSeesOfAll(t *testing.T) {
	reducedAgree(t, nesting, plainly, func(seed int) explore.Options {
		return explore.Options{Faults: seed % 3, Records: seed/3%2 == 1, Locks: locksOf(seed / 6)}
	})
}

func TestReducedSearchSeesWhatAnEarlyClockDoes(t *testing.T) {
	reducedAgree(t, timing, timely, func(seed int) explore.Options {
		return explore.Options{Faults: 1 + seed%4/3, Locks: locksOf(seed / 4)}
	})
}

func TestReducedSearchSeesWhatPassesYields(t *testing.T) {
	reducedAgree(t, lending, glancing, func(seed int) explore.Options {
		return explore.Options{Faults: seed % 4 / 3, Locks: locksOf(seed / 4)}
	})
}

// reducedAgree compares searches of programs of these statements.
func reducedAgree(t *testing.T, nests, leaves []string, options func(seed int) explore.Options) {
	const mostPlain, mostReduced = 12_000, 1_000_000
	from, n := wideSeeds()
	compared := 0
	for seed := from; seed < from+n; seed++ {
		clients, o := drawOf(uint64(seed), nests, leaves), options(seed)
		plain, ps := statesOf(explore.NewExhaustive(true), o, mostPlain, clients)
		if plain == nil {
			continue // too many schedules for a plain search
		}
		compared++
		for name, dfs := range map[string]*explore.Exhaustive{"source sets": explore.NewExhaustive(false), "sleep sets": explore.NewSleepSets()} {
			reduced, rs := statesOf(dfs, o, mostReduced, clients)
			if !maps.Equal(plain, reduced) {
				t.Errorf("seed %d: %v locks, records %v, faults %d: %v\nplain %d of %+v, %s %d of %+v: %s",
					seed, o.Locks, o.Records, o.Faults, clients, len(plain), ps, name, len(reduced), rs, difference(plain, reduced))
			}
		}
	}
	require.Greater(t, compared, n/2)
}

func difference(plain, reduced map[string]bool) string {
	for s := range plain {
		if !reduced[s] {
			return "lost " + s
		}
	}
	for s := range reduced {
		if !plain[s] {
			return "new " + s
		}
	}
	return ""
}
