//go:build !vmci

package main

import "github.com/spf13/pflag"

const defaultESX = "embedded"

const examples = `  # A simulated ESX host inside, disks are files below /var/lib/vmdkvol/datastore (root)
  vmdkd

  # A simulated ESX host shared by several machines, by the socket and directories that 'vmdksim serve' names for this one
  vmdkd --esx unix:/run/esx1/vm1.sock --dev-root /run/esx1/vm1/dev --sys-root /run/esx1/vm1/sys

  # No root and no disks: for benchmarks and tests of the protocol
  vmdkd --socket /tmp/vmdk.sock --esx unix:/tmp/esx.sock --guest sim`

func (o *options) registerBuild(f *pflag.FlagSet) {
	f.StringVar(&o.datastore, "datastore", "/var/lib/vmdkvol/datastore",
		"directory of the embedded ESX host's datastore")
}

func backends() map[string]backendKind {
	return map[string]backendKind{"embedded": embedded(), "unix": unixHost()}
}

func guests() map[string]guestKind {
	l := linux()
	l.insteadOfRoot = ", or with --guest sim"
	return map[string]guestKind{"linux": l, "sim": simGuest()}
}
