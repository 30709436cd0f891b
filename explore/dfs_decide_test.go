package explore_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// move is one step of a client of deciding: it looks at variables, and what it sees says which others it writes.
type move struct {
	lock   int  // none, for the step, or for longer
	fault  bool // it may see it wrongly
	looks  []int
	writes [2][]int // if the sum of what it sees is even, or odd
}

func drawMoves(seed uint64) [][]move {
	r := rand.New(rand.NewPCG(seed, 5))
	variables := 2 + r.IntN(3)
	some := func(most int) []int {
		var list []int
		for range r.IntN(most + 1) {
			list = append(list, r.IntN(variables))
		}
		return list
	}
	clients := make([][]move, 2+r.IntN(3))
	for i := range clients {
		for range 1 + r.IntN(3) {
			clients[i] = append(clients[i], move{max(0, r.IntN(6)-3), r.IntN(4) == 0, some(2), [2][]int{some(1), some(2)}})
		}
	}
	return clients
}

// deciding has clients each step of which does what it finds tells it to.
func deciding(clients [][]move) func(k *explore.Kernel, final func(string)) {
	return func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		m := w.NewMonitor("m")
		var vars [4]int
		saw := make([]int, len(clients))
		for i, moves := range clients {
			k.Client(fmt.Sprint("c", i), w, func() {
				for n, s := range moves {
					decide(w, m, k, &saw[i], &vars, s, 10*i+n+1)
				}
			})
		}
		k.AtEnd(func() { final(fmt.Sprint(vars, saw)) })
	}
}

func decide(w *explore.World, m seam.Monitor, k *explore.Kernel, saw *int, vars *[4]int, s move, value int) {
	if s.lock > 0 {
		_ = m.Lock(context.Background())
		defer m.Unlock()
	}
	if s.lock != 1 {
		k.Before("move", "x")
	}
	sum := 0
	for _, v := range s.looks {
		w.Touch(fmt.Sprint("v", v), false)
		sum += vars[v]
	}
	if s.fault {
		sum += k.Choose("look", "x", "wrongly")
	}
	*saw = *saw*31 + sum
	for _, v := range s.writes[sum%2] {
		w.Touch(fmt.Sprint("v", v), true)
		vars[v] = vars[v]*3 + value
	}
}

// TestReducedSearchSeesWhatStepsDecide: what a step touches depends on what it finds. Sleep sets, which other tests compare with a
// plain search, take a fraction of its runs.
func TestReducedSearchSeesWhatStepsDecide(t *testing.T) {
	from, n := wideSeeds()
	for seed := from; seed < from+n; seed++ {
		o := explore.Options{Faults: seed % 3}
		if seed%4 == 3 {
			o.Locks = explore.GoMutex
		}
		clients := drawMoves(uint64(seed))
		slept, ss := everything(t, explore.NewSleepSets(), o, deciding(clients))
		if slept == nil {
			continue // too many schedules
		}
		reduced, rs := everything(t, explore.NewExhaustive(false), o, deciding(clients))
		if !maps.Equal(slept, reduced) {
			t.Errorf("seed %d, %v locks: %v\nsleep sets %d of %+v, source sets %d of %+v: %s",
				seed, o.Locks, clients, len(slept), ss, len(reduced), rs, difference(slept, reduced))
		}
	}
}
