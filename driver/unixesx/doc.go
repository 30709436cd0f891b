// Package unixesx carries vmdkops requests over a unix stream socket, to a simulated ESX host on the same machine.
//
// It is a shell: it does I/O and decides nothing. It does not speak for a VM; the socket's path does, since a simulated
// host serves each VM on a socket of its own. Real ESX hosts are reached by driver/vmci.
//
// Invariants:
//
//   - One connection per request, as on the original's wire (docs/original.md §1.1): dial, one frame out, one frame in,
//     close. So a reply can never belong to another request, and nothing is left over after an error.
//   - An error before the first byte was written wraps wire.ErrNotSent; no later error does.
//   - The context bounds every step; when it is done the error wraps context.Cause.
//
// Example:
//
//	t, err := unixesx.New(unixesx.Config{Path: "/run/esx1/vm1.sock"})
//	if err != nil {
//		return err
//	}
//	reply, err := t.RoundTrip(ctx, request)
package unixesx
