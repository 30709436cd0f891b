package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestATextIsHashedEightBytesAtATimeAndThenZeros says by hand what the kernel does faster; recorded hashes rest on it.
func TestATextIsHashedEightBytesAtATimeAndThenZeros(t *testing.T) {
	text := make([]byte, 40)
	for i := range text {
		text[i] = byte(i*37 + 129)
	}
	for n := range len(text) + 1 {
		want := explore.NewHash() ^ explore.Hash(n+1)<<32
		rest := text[:n]
		for ; len(rest) >= 8; rest = rest[8:] {
			want = want.Mix(bytewise(rest[:8]))
		}
		require.Equal(t, want.Mix(bytewise(rest)), explore.HashOf(string(text[:n])), n)
	}
}

func bytewise(b []byte) (x uint64) {
	for i, c := range b {
		x |= uint64(c) << (8 * i)
	}
	return x
}
