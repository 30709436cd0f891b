//go:build linux && vmci

package vmci_test

import (
	"vmdkvol/driver/vmci"
	"vmdkvol/driver/vmdkops"
)

// What a Transport must do at all is tested by the conformance suite in driver/vmdkops.
var _ vmdkops.Transport = (*vmci.Transport)(nil)
