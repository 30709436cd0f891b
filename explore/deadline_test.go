package explore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// A deadline ends once, whether its parent or its own end is seen first.
func TestDoneOfDeadlineBelowAnEndedOne(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	res := r.Run(func(k *explore.Kernel) {
		w := k.World("w")
		k.Client("c", w, func() {
			outer, end := w.WithDeadline(context.Background(), w.Now().Add(time.Second))
			inner, cancel := w.WithDeadline(outer, w.Now().Add(time.Second))
			end()
			<-inner.Done()
			cancel()
			<-inner.Done()
			if inner.Err() != context.Canceled {
				k.Fail("error", inner.Err().Error())
			}
		})
	}, explore.Sequential{}, 0, explore.Options{})
	require.Nil(t, res.Failure)
}
