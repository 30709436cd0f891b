//go:build !linux || !vmci

package vmci_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/vmci"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

var _ vmdkops.Transport = (*vmci.Transport)(nil)

func TestBuildWithoutTheTagSaysSo(t *testing.T) {
	tr, err := vmci.New(vmci.Config{})
	require.Error(t, err)
	require.Nil(t, tr)
	_, err = (&vmci.Transport{}).RoundTrip(t.Context(), nil)
	require.ErrorIs(t, err, wire.ErrNotSent)
}
