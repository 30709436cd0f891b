package explore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestNothingFailsWhileAStateIsMade: a search asks no fault point then, and the clock moves only if it has to; the whole budget is
// there for what comes then, for plain searches and for reduced ones.
func TestNothingFailsWhileAStateIsMade(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		log := ""
		act := func(name string) {
			ctx, cancel := w.WithDeadline(context.Background(), w.Now().Add(time.Second))
			defer cancel()
			k.Before("act", "x")
			w.Touch("log", true)
			log += fmt.Sprint(name, k.Choose("act", "x", "fail"))
			if ctx.Err() != nil {
				log += "late"
			}
			log += fmt.Sprint(k.FaultsSpent(), " ")
		}
		k.Client("before", w, func() {
			k.Safely(func() { act("before") })
			for _, name := range []string{"a", "b"} {
				k.Client(name, w, func() { act(name) })
			}
		})
		k.AtEnd(func() { final(log) })
	}
	for faults := range 3 {
		plain, _ := all(t, true, explore.Options{Faults: faults}, program)
		reduced, _ := all(t, false, explore.Options{Faults: faults}, program)
		require.Equal(t, plain, reduced)
		most := map[string]bool{}
		for final := range plain {
			require.Regexp(t, "^before00 ", final)
			most[final[len(final)-2:]] = true
		}
		require.Len(t, most, faults+1, "%v", plain)
	}
}
