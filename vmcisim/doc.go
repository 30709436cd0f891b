// Package vmcisim simulates the VMCI network between guests and the ESX host. Requests and replies in flight are data,
// and the schedule decides which is delivered next and what goes wrong with it.
//
// It is not the ESX service: that is the [Handler]. It is not a socket either: driver/unixesx and driver/vmci are the
// transports of real programs.
//
// How a round trip runs. The caller encodes a real frame, puts it in flight, starts a carrier task in the ESX side's
// world and waits. The carrier yields and delivers the request, runs the Handler, yields again and delivers the reply.
// So a request whose sender has given up or crashed still executes, at a time of the schedule's choice.
//
// Invariants:
//
//   - A message is delivered only after a yield of its carrier, and never twice. A request executes once, except by the
//     fault "duplicate", and never after its reply was delivered: a stream neither repeats nor reorders, and the
//     caller's own repeats are requests of their own.
//   - Every frame passes the real encoder and the real decoder of driver/wire, in both directions.
//   - An error that wraps wire.ErrNotSent means that the request was not and will not be executed. Any other error
//     leaves that open.
//   - A round trip ends with a reply, with an error, or with its context; only a "silence" needs the context.
//   - A caller gets the reply of its own request, except with Config.Shared.
//
// Names. Requests are labelled peer:verb:volume, such as "vm1:attach:data", which is the object of the points below.
// The carrier task and the monitor in which its caller waits are both called "esx:" + label + "#" + n for the n-th
// request with that label ("esx:vm1:attach:data#1"). Requests about different volumes therefore keep their names in
// whichever order they are sent.
//
// Points and faults:
//
//	net.request  lose       never arrives; after a net.reply the client sees a reset and cannot know
//	             reset      the connection breaks before all was sent: wire.ErrNotSent at once
//	             duplicate  executes twice, as when a repeat overlaps the first execution; the reply is the second's
//	             silence    never arrives, and nobody says so
//	net.reply    lose       executed, but the client sees a reset
//	             truncate   half of the frame arrives
//	             silence    executed, and nobody says so
//
// [Faults] and [Sometimes] list for a search what runs of it may never have come to.
//
// Fidelity: like the original, one connection for each request, no request ids, no timeout, and a service that closes
// the connection without a reply when it refuses a frame (docs/original.md §1.1, §1.5). Absent: source ports, and
// deliveries in pieces, because decoders are tested for these by the transports. Config.Shared is no fidelity; it is
// the network as the review thread of PR #810 imagined it (docs/original.md H1).
//
//	net := vmcisim.New(vmcisim.Config{Env: esxEnv, Stage: stage, Handler: service.Handle})
//	client := vmdkops.New(vmdkops.Config{Env: env, Transport: net.Endpoint("vm1", env)})
package vmcisim
