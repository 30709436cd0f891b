// Package storm is a test: many goroutines make random requests of the whole plugin at once, on real locks and real
// sockets, under the race detector. It finds data races and leaks, which a scheduler that runs one task at a time
// cannot see; which interleaving it meets is chance, so it proves nothing about orders. That is the explorer's job.
//
// The way of a request is that of production but for its ends: HTTP client, unix socket, front, driver, vmdkops,
// unixesx, unix socket, esxsim on a store in memory, guestsim.
//
// Invariants that it checks:
//
//   - A Mount that was answered with success has its disk at the mountpoint until its own Unmount.
//   - Whoever holds a volume sees its mountpoint in Path and Get, and cannot Remove it.
//   - Every error has an explanation ([driver.Kind]); no request is dropped.
//   - After all Unmounts nothing is mounted, plugged, referred to or locked, and no goroutine or descriptor is left.
//
// Each goroutine's calls depend on the seed alone, so a failure names it:
//
//	STORM_SEED=7 go test -race -run TestStorm ./lab/storm
package storm
