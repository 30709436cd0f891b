// Package vmci carries vmdkops requests to a real ESX host over VMCI, which Linux offers as AF_VSOCK stream sockets.
//
// It is a shell: it does I/O and decides nothing. The real thing is built on Linux with the tag vmci only; without the
// tag, and on other systems, [New] returns an error that says so, and nothing of it is linked.
//
// Invariants:
//
//   - One connection per request (docs/original.md §1.1): connect, one frame out, one frame in, close.
//   - The source port is below 1024, which the service demands as a proof of root (docs/original.md §1.3). Ports 100 to
//     1023 are taken in turn, so that a port is not reused while its last connection lingers; one in use is passed over.
//   - An error before the first byte was written wraps wire.ErrNotSent; no later error does.
//   - The context bounds every step; when it is done the error wraps context.Cause.
//
// Example:
//
//	t, err := vmci.New(vmci.Config{}) // CID 2, port 1019
//	if err != nil {
//		return err
//	}
//	reply, err := t.RoundTrip(ctx, request)
package vmci

// Config is the address of the service. Zero fields mean the ESX host (wire.HostCID) and its usual port (wire.Port).
type Config struct {
	CID  uint32
	Port uint32
}
