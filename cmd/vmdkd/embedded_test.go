//go:build !vmci

package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/seam"
)

// A machine whose host name changed is the same VM: the disks that its containers still use are in that VM, and would
// be locked for any other.
func TestEmbeddedVMKeepsItsName(t *testing.T) {
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skipf("no loop devices (modprobe loop): %v", err)
	}
	for _, c := range []struct {
		name string
		had  []string // VMs that the datastore has seen
		want string
	}{
		{"new datastore", nil, machineName()},
		{"same name", []string{machineName()}, machineName()},
		{"name changed", []string{"old-name"}, "old-name"},
		{"several", []string{"old-name", "older-name"}, machineName()}, // not by an embedded host
		{"no VM", []string{"no name of a VM"}, machineName()},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, vm := range c.had {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, ".vms", vm), 0o755))
			}
			b, err := onDisk(settings{
				options: options{datastore: dir}, log: slog.New(slog.DiscardHandler), env: seam.Real(),
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, b.close()) }()
			require.Equal(t, filepath.Join(dir, ".vms", c.want, "dev"), b.devRoot)
		})
	}
}
