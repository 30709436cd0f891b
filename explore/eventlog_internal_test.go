package explore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestALogIsOfOneRun: what a runner notes of runs that are not guarded does not grow from one to the next.
func TestALogIsOfOneRun(t *testing.T) {
	r := NewRunner()
	defer r.Close()
	program := func(k *Kernel) { k.Client("c", k.World("w"), func() { k.Note("here") }) }
	for range 3 {
		r.Search(Search{Strategy: Sequential{}, From: 1, Schedules: 1}, program)
		require.Len(t, r.log.others, 1, "the note")
		require.Len(t, r.log.lines, 4, "and the start, the step and the end")
	}
}
