// Command vmdkd is a Docker volume plugin: each volume is a VMDK that the ESX host plugs into this VM while a
// container needs it.
//
// It wires and decides nothing: package driver has the decisions, driver/front the plugin protocol, driver/linuxguest
// the disks and mounts, and a transport leads to the ESX host. What a build can reach is in one file for each build:
// with the tag vmci real hosts and no simulator (real.go), without it a simulated host inside (simulated.go).
//
// Invariants:
//
//   - It listens before anything else, so that two daemons never work on one datastore or one machine through one
//     socket, and Docker's first requests wait instead of failing.
//   - The socket is never open to others than root, not even for a moment, and a socket that systemd passed is never
//     removed.
//   - It stops in the opposite order of its start: no new requests, those in flight finish, the driver, the ESX side.
//   - Exit status: 0 fine, 1 it failed while running, 2 wrong input, 3 the machine lacks something (with the remedy).
//
// Example:
//
//	vmdkd --socket /run/docker/plugins/vmdk.sock --esx unix:/run/esx1/vm1.sock \
//		--dev-root /run/esx1/vm1/dev --sys-root /run/esx1/vm1/sys
package main
