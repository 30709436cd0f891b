package linuxguest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/linuxguest"
	"vmdkvol/driver/wire"
)

func TestBelow(t *testing.T) {
	root := t.TempDir()
	g, err := linuxguest.New(linuxguest.Config{MountRoot: root})
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(root, "data@ds1"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(root, "a b@ds1"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o600))
	names, err := g.Below(t.Context(), root)
	require.NoError(t, err)
	require.Equal(t, []string{"a b@ds1", "data@ds1"}, names)

	names, err = g.Below(t.Context(), filepath.Join(root, "none"))
	require.NoError(t, err)
	require.Empty(t, names)
	_, err = g.Below(t.Context(), filepath.Join(root, "file"))
	require.Error(t, err)
}

func TestPresentOfNothing(t *testing.T) {
	g, err := linuxguest.New(linuxguest.Config{DevRoot: t.TempDir(), SysRoot: t.TempDir()})
	require.NoError(t, err)
	disk, err := g.Present(t.Context(), wire.Device{ControllerPciBusNumber: "15.0", Unit: "3"})
	require.NoError(t, err)
	require.Empty(t, disk)
	_, err = g.Present(t.Context(), wire.Device{ControllerPciBusNumber: "../x", Unit: "3"})
	require.ErrorIs(t, err, linuxguest.ErrPlace)
}
