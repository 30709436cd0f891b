package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPaceCountsThisCallAlone: what a resumed verification had done before took no time of this call.
func TestPaceCountsThisCallAlone(t *testing.T) {
	p := &pace{start: time.Now().Add(-100 * time.Second), programs: 1000, runs: 50_000}
	c := &certificate{Programs: 1500, Runs: 60_000}
	require.Empty(t, p.line(c), "the programs are not counted yet")
	p.size.Store(3000)
	require.Equal(t, "1500 of 3000 programs, 60000 runs, 100 runs/s, about 5m0s left", p.line(c))
	require.Empty(t, p.line(c), "too early for another line")
}
