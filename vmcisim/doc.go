// Package vmcisim simulates the VMCI network between guests and the ESX host. Requests and replies in flight are data,
// and the schedule decides which is delivered next and what goes wrong with it.
//
// It is not the ESX service: that is the [Handler]. It is not a socket either: driver/unixesx and driver/vmci are the
// transports of real programs.
//
// How a round trip runs. The caller encodes a real frame, puts it in flight, starts a carrier task in the ESX side's
// world and waits. The carrier yields and delivers the request, runs the Handler, yields again and delivers the reply.
// So a request whose sender has given up or crashed still executes, at a time of the schedule's choice. With Config.Direct the
// caller is its own carrier, and nothing of the kind can happen.
//
// Invariants:
//
//   - A message is delivered only after a yield of its carrier, and never twice. A request executes once, except by the
//     fault "duplicate", and never after its reply was delivered: a stream neither repeats nor reorders, and the
//     caller's own repeats are requests of their own.
//   - Every frame passes the real encoder and the real decoder of driver/wire, in both directions.
//   - An error that wraps wire.ErrNotSent means that the request was not and will not be executed. Any other error
//     leaves that open.
//   - A round trip ends with a reply, with an error, or with its context; only a "silence" or a "hang" needs the context.
//   - A caller gets the reply of its own request, except with Config.Shared.
//
// Names. Requests are labelled peer:verb:volume, such as "vm1:attach:data", which is the object of the points below.
// The carrier task and the monitor in which its caller waits are both called "esx:" + label + "#" + n for the n-th
// request with that label ("esx:vm1:attach:data#1"). Requests about different volumes therefore keep their names in
// whichever order they are sent. With Config.Asker the number is "ASKER.n" for the n-th request of the task ASKER with that
// label ("esx:vm1:attach:data#c1.1"), and so the order among tasks is no matter either.
//
// Points and faults that every network offers:
//
//	net.request  lose       never arrives; after a net.reply the client sees a reset and cannot know
//	             reset      the connection breaks before all was sent: wire.ErrNotSent at once
//	             duplicate  executes twice, as when a repeat overlaps the first execution; the reply is the second's
//	             silence    never arrives, and nobody says so
//	net.reply    lose       executed, but the client sees a reset
//	             truncate   half of the frame arrives
//	             silence    executed, and nobody says so
//
// Rarer faults, which Config.Faults offers by kind or by name (docs/original.md §1.10). A frame to which one of the last
// three kinds happens is read by wire.ReadFrame, as from a socket:
//
//	connect    net.connect  no-port       all source ports below 1024 are taken: wire.ErrNotSent
//	                        refused       nobody listens: wire.ErrNotSent
//	                        hang          nobody accepts, the backlog is full: wire.ErrNotSent when the context ends
//	admission  net.request  high-port     the service closes, because the source port is not below 1024
//	                        no-id         the service cannot tell who calls: the Handler's peer is ""
//	                        taken-for@VM  ... and takes the caller for another VM (by name only)
//	orphan     net.request  runs-on       the connection breaks when the service has the request, which runs on
//	delay      both         delay@1s      the message is a second late, or another time: delay@26s
//	cut        both         cut@N         N bytes arrive, then the connection is reset; also cut@half and cut@last
//	split      both         split@N       N bytes arrive, and after a point net.rest the others
//	garbage    both         bad-magic, zero-length, huge-length, long-length, short-length, no-nul, inner-nul,
//	                        trailing (bytes behind the frame), not-json
//
// A service that closes without a reply, for whatever reason, shows the client a reset. A length longer than the body
// ends with the connection: the original gives up at once, where a service that reads on would wait for its deadline.
//
// Config.OneRecv, Config.OneReceiver, Config.LeftoverID and Config.GiveUp are habits of the original's receiving half, and
// Config.BacklogOne is one that it lost; [Switches] lists them. [Network.Reset] is a
// service that dies with what it has, [Network.Replace] one that another takes over from while it finishes.
//
// [Sometimes] and the faults' names are for a search to list what runs of it may never have come to.
//
// Fidelity: like the original, one connection for each request, no request ids, no timeout, and a service that closes
// the connection without a reply when it refuses a frame (docs/original.md §1.1, §1.5). A duplicate that executes after
// its reply is not offered: a stream does not repeat. Absent: source ports as numbers. Config.Direct and Config.Shared are
// no fidelity: the one is there to make searches small, the other is the network as the review thread of PR #810 imagined it
// (docs/original.md H1).
//
//	net := vmcisim.New(vmcisim.Config{Env: esxEnv, Stage: stage, Handler: service.Handle})
//	client := vmdkops.New(vmdkops.Config{Env: env, Transport: net.Endpoint("vm1", env)})
package vmcisim
