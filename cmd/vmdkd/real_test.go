//go:build vmci

package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/vmci"
)

func TestVMCIAddress(t *testing.T) {
	got, err := vmciAddress("2:1019")
	require.NoError(t, err)
	require.Equal(t, vmci.Config{CID: 2, Port: 1019}, got)
	for _, bad := range []string{"", "2", "2:", ":1019", "0:1019", "2:0", "-1:1019", "2:x", "2:1019:1", "4294967296:1"} {
		_, err := vmciAddress(bad)
		require.Error(t, err, bad)
		var out, errs bytes.Buffer
		require.Equal(t, exitInput, run(t.Context(), []string{"--esx", "vmci:" + bad}, &out, &errs), errs.String())
		require.Contains(t, errs.String(), "vmci:CID:PORT")
	}
}

func TestNoSimulatorInThisBuild(t *testing.T) {
	for _, args := range [][]string{{"--esx", "embedded"}, {"--guest", "sim"}, {"--datastore", "/tmp"}} {
		var out, errs bytes.Buffer
		require.Equal(t, exitInput, run(t.Context(), args, &out, &errs), errs.String())
	}
	var o options
	cmd := command(&bytes.Buffer{})
	require.Equal(t, "vmci:2:1019", cmd.Flags().Lookup("esx").DefValue)
	o.esx = defaultESX
	k, _, err := o.host()
	require.NoError(t, err)
	require.False(t, k.simulated)
}
