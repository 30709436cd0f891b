package explore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhichOrdersLookAlike: what is written comes on the same side of calls and of answers.
func TestWhichOrdersLookAlike(t *testing.T) {
	for _, tc := range []struct {
		name  string
		other Mode
		order []int
		want  bool
	}{
		{"the run", Write, []int{0, 1, 2}, true},
		{"written before the call", Write, []int{1, 0, 2}, false},
		{"written after the answer", Write, []int{0, 2, 1}, false},
		{"read before the call", Read, []int{1, 0, 2}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &Exhaustive{ops: []op{{0, 0, 2}}}
			d.trace.steps = []step{{}, {task: 1, footprint: []Access{{"x", tc.other}}}, {}}
			require.Equal(t, tc.want, d.alike(tc.order))
		})
	}
}
