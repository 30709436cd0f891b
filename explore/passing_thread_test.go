package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestThreadsAskNoStrategy: what a strategy knows is the runner's, and the race detector would take it for the program's.
func TestThreadsAskNoStrategy(t *testing.T) {
	program := func(k *explore.Kernel) {
		w := k.World("w")
		for _, name := range []string{"a", "b"} {
			k.Client(name, w, func() {
				k.Before("call", name)
				k.Call(name)
				w.Touch("x "+name, false)
				k.Before("act", name)
				k.Return(name)
			})
		}
	}
	r := explore.NewThreads()
	defer r.Close()
	for _, search := range []*explore.Exhaustive{explore.NewExhaustive(false), explore.NewStrict()} {
		for search.More() {
			require.Nil(t, r.Run(program, search, 0, explore.Options{}).Failure)
		}
	}
}
