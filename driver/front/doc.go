// Package front is the HTTP side of the plugin: it turns what Docker posts into calls of the driver, and what the
// driver answers into what Docker understands. It decides nothing about volumes and knows no lock of theirs.
//
// It stands on github.com/docker/go-plugins-helpers: the volume package's types and sdk.Handler, with our own
// functions, because only those see a request's context and body.
//
// Invariants:
//
//   - Docker forgets a volume, and every container's reference to it, when Get is answered with an error. So only a
//     definite "no such volume" is one; in every other trouble, a panic included, the connection is dropped, and
//     Docker repeats the request.
//   - A repetition arrives with an empty body: a Get without a body is always dropped, every other call without a body
//     is refused with status 400, so that nothing is ever done to a volume without a name.
//   - An error is one line for a human: the cause, then what to do. This is the only package that writes such texts.
//   - A Mount is refused if the process that asks would find the bare directory where the volume is mounted.
//   - After Serve was told to stop, no request begins; those in flight finish and their answers are written.
//
// Use:
//
//	h, err := front.New(front.Config{Driver: d, Log: log})
//	if err != nil {
//		return err
//	}
//	return h.Serve(ctx, listener) // until ctx is done and the requests in flight have finished
package front
