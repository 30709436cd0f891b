package explore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhichOrdersLookAlike: what is written comes on the same side of calls and of answers.
func TestWhichOrdersLookAlike(t *testing.T) {
	for _, tc := range []struct {
		name     string
		other    Mode
		order    []int
		returned int
		want     bool
	}{
		{"the run", Write, []int{0, 1, 2}, 2, true},
		{"written before the call", Write, []int{1, 0, 2}, 2, false},
		{"written after the answer", Write, []int{0, 2, 1}, 2, false},
		{"read before the call", Read, []int{1, 0, 2}, 2, true},
		{"never answered", Read, []int{0, 1, 2}, none, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &Exhaustive{ops: []op{{0, 0, tc.returned}}}
			d.trace.add(0, none, nil, nil)
			d.trace.add(1, none, nil, []Access{{"x", tc.other}})
			d.trace.add(0, none, nil, nil)
			require.Equal(t, tc.want, d.alike(tc.order))
		})
	}
}

// TestWhatTheOutsideSeesOfAnOrder: a call that was never answered comes before no other.
func TestWhatTheOutsideSeesOfAnOrder(t *testing.T) {
	d := &Exhaustive{ops: []op{{0, 0, 1}, {1, 2, none}, {2, 3, 4}}}
	d.trace.steps = make([]step, 5)
	require.Equal(t, Order{Calls: []int{0, 2, 3}, Answers: []int{1, -1, 4}}, d.seen(nil))
	o := d.seen([]int{3, 0, 2, 1, 4})
	require.Equal(t, Order{Calls: []int{1, 2, 0}, Answers: []int{3, -1, 4}}, o)
	for _, b := range []int{0, 1, 2} {
		for _, a := range []int{0, 1, 2} {
			require.False(t, o.Before(a, b), "%d before %d", a, b)
		}
	}
	o = d.seen(nil)
	require.True(t, o.Before(0, 1))
	require.False(t, o.Before(1, 2))
	require.True(t, o.Overlap(1, 2))
	require.False(t, o.Overlap(2, 0))
}
