package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

// Two daemons on one mount root: what the first has mounted is no mount of an earlier life, so the second must not take it
// over, ask Docker about its own plugin's containers, of which there are none, and let it go.
func TestTheMountsOfAnotherDaemonAreNotRecovered(t *testing.T) {
	dir := t.TempDir()
	var said strings.Builder
	of := func(state string) settings {
		return settings{
			options: options{docker: "/none", mountRoot: filepath.Join(dir, "mnt"), stateDir: filepath.Join(dir, state)},
			log:     slog.New(slog.NewTextHandler(&said, nil)),
		}
	}
	m := machine{remain: struct{ driver.Machine }{}}
	first, leaveFirst := recovery(of("1"), m, "/run/one.sock")
	require.NotNil(t, first)
	require.Empty(t, said.String())
	second, leave := recovery(of("2"), m, "/run/two.sock")
	require.Nil(t, second)
	require.Contains(t, said.String(), "--mount-root")
	leave()
	leaveFirst()
	third, leave := recovery(of("2"), m, "/run/two.sock")
	require.NotNil(t, third)
	leave()
}
