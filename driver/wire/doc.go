// Package wire is the vmdkops protocol as bytes: the frame and the messages that a Docker host and its ESX host
// exchange. PROTOCOL.md in the root of the repository describes it for readers of any language.
//
// It is not a client and not a service: it opens no socket, repeats nothing, and does not know what an error text means.
// It is a leaf and imports the standard library only.
//
// Invariants:
//
//   - A limit is checked before memory is taken for what the peer announced.
//   - Encoders append to the caller's slice, allocate nothing else, and write the bytes of the original: a request as
//     Go's encoder wrote it, a reply as Python's json.dumps did.
//   - A request is read as a server must read it: any valid JSON. A reply is read strictly: what is not exactly a success
//     of that command or one error text is a [BadReplyError], never a success.
//   - Decoded values never alias the caller's buffer; only [ParseFrame] does, and says so.
//   - All functions are pure or touch only their arguments, and so are safe for concurrent use.
//
// One request and its reply:
//
//	text, err := wire.AppendRequest(nil, wire.Request{
//		Cmd: wire.Attach, Details: wire.Details{Name: "vol1"}, Version: wire.Version,
//	})
//	if err != nil {
//		return err // not UTF-8, or too long
//	}
//	if _, err := conn.Write(wire.AppendFrame(nil, text)); err != nil {
//		return err
//	}
//	reply, err := wire.ReadFrame(conn, wire.MaxReply)
//	if err != nil {
//		return err
//	}
//	place, err := wire.ParseDevice(reply) // *ErrorReply, *BadReplyError or nil
package wire
