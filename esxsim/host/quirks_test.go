package host_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
)

// TestWithoutEffect: a preset is nobody's wish for a certain quirk.
func TestWithoutEffect(t *testing.T) {
	require.Empty(t, host.WithoutEffect(""))
	require.Empty(t, host.WithoutEffect("fixed,null-get=on,one-receiver=on"))
	require.Equal(t, []string{"stop-kills", "owner-by-name"}, host.WithoutEffect("fixed, stop-kills=on,owner-by-name=off,stop-kills=off"))
	simulated := 0
	for _, q := range host.QuirkList() {
		if host.OnlySimulated(q.Name) {
			simulated++
		}
	}
	require.Equal(t, 14, simulated, "each of them is a quirk of the list")
	for _, q := range []esxsim.Quirk{esxsim.FileLockIgnored, esxsim.DatastoreCacheRace, esxsim.LockTableRace} {
		require.False(t, host.OnlySimulated(q), "threads can be that unlucky, too")
	}
}
