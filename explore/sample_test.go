package explore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASampleStaysSmallAndFair(t *testing.T) {
	const n = 100_000
	of := func(from, to int) *sample {
		s := &sample{most: 2000}
		for i := from; i < to; i++ {
			s.add(Hash(i)) // as regular as hashes can be
			if i%4 == 0 {
				s.add(Hash(i))
			}
		}
		return s
	}
	s := of(0, n)
	require.LessOrEqual(t, len(s.seen), 2000)
	require.InDelta(t, n, s.distinct(), n/10)
	once, twice := s.frequencies()
	require.InDelta(t, n*3/4, once, n/10)
	require.InDelta(t, n/4, twice, n/10)

	a, b := of(0, n/2), of(n/4, n)
	a.merge(b)
	require.InDelta(t, n, a.distinct(), n/10)
	c, d := of(n/4, n), of(0, n/2)
	c.merge(d)
	require.Equal(t, a.seen, c.seen, "the order does not matter")

	exact := &sample{}
	for i := range 1000 {
		exact.add(Hash(i % 10))
	}
	require.Equal(t, 10, exact.distinct())
}
