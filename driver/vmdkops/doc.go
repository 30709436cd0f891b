// Package vmdkops is the typed client of the vmdkops service on an ESX host: create, remove, attach, detach, get, list
// and version, over any [Transport].
//
// It is not a transport (driver/vmci, driver/unixesx and the simulated network are), it does not know frames or JSON
// (driver/wire does), and it decides nothing about volumes: locks, references and what to do about an unknown outcome
// belong to package driver.
//
// Invariants:
//
//   - Every error is an [*Error] with a [Kind]; classify.go is the only place of the project that reads the service's
//     prose.
//   - A reply of the wrong shape is never success. The service really sends such replies (docs/original.md §1.8).
//   - The protocol is at-least-once and this package does not hide it: a request is repeated only after a failure that
//     the table in retry.go allows for its command; create and remove never after an unknown outcome.
//   - errors.Is(err, wire.ErrNotSent) is true exactly if the kind is NotSent: no attempt of that call did anything, nor
//     ever will.
//   - A definite answer to a repeat stands, although an earlier attempt whose outcome is unknown may still be on its way.
//     No client can exclude that; the driver's recovery must expect a disk that is attached and not wanted.
//   - A Client has no state: its methods may be called concurrently, take no lock and do not wait for each other. The
//     context of the call is the only bound on its time besides the number of repeats.
//
// A caller that must know what became of a create asks:
//
//	err := client.Create(ctx, "data@ds1", map[string]string{"size": "1gb"})
//	if vmdkops.KindOf(err) == vmdkops.Unknown {
//		_, err = client.Get(ctx, "data@ds1") // NotFound: it was not made, or not yet
//	}
package vmdkops
