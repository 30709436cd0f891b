// Package dockerapi asks the Docker daemon which containers use volumes of this plugin: the one thing that recovery
// (package driver) needs of Docker's API.
//
// It is a shell: it does I/O and decides nothing. It is plain HTTP over Docker's unix socket, and no SDK.
//
// Invariants:
//
//   - One request for each question, GET /containers/json?all=true, which Docker answers from a snapshot: it waits for no
//     container's lock, as an inspect of each would. The path has no version, so that no daemon refuses it as too old, as
//     it did to the original (docs/original.md §3.8).
//   - An answer that is not whole is an error: a container that is missing in it would lose its disk. So is a redirect.
//   - An answer costs memory for the containers of this plugin, and for one more.
//   - The context of the call is the only bound on its time. No connection is kept.
//
// Example:
//
//	docker := dockerapi.New("/run/docker.sock", "vmdk")
//	containers, err := docker.Containers(ctx)
package dockerapi
