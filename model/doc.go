// Package model is the reference model: what a volume driver on one host may answer, and what is true afterwards.
//
// It is written without looking at the driver that it judges and imports nothing but the standard library, so it cannot
// inherit a bug. It knows volumes, file systems and references; it knows nothing of disks, commands, locks or time.
//
// Three layers:
//
//   - [Step] is the truth without faults: one volume, one operation at a time.
//   - [Possible] is what may be true when replies were lost: a set of states, forked by an unknown outcome and filtered
//     by every known one. It serves a caller that does one operation after the other.
//   - [Checker] takes a history of overlapping calls and says whether some order of them, which respects real time,
//     explains every result: linearizability, one volume at a time, since a history of independent volumes is
//     linearizable exactly if each volume's part is.
//
// Specified, of one volume:
//
//   - Create makes it; one with the same file system is success and unchanged, one with another is Exists.
//   - Remove is InUse while there are references; an absent volume is success (docs/original.md §4.0 I6).
//   - Mount adds a reference of its ID, Unmount takes one away: a multiset, since Docker mounts one ID twice (I1).
//     An Unmount without a reference is success.
//   - A volume that exists and was never formatted (what a failed Create may leave) is seen by Get and Remove, is Exists
//     to every Create and cannot be mounted (I5).
//
// What an outcome that is not known means is said at [Unknown] and [Refused]; a call that has not returned, at [Call].
//
// A verdict is NOT valid
//
//   - if the calls come from several hosts: references are one host's. What another host makes, removes or holds must be
//     given as calls of its own (Create, Remove) or as Refused (a Mount or Remove refused because of it).
//   - if names are aliases: Op.Volume must be the canonical full name, also after the default datastore changed. An
//     Op.FSType that was left to the default must be filled in.
//   - across a crash of the driver: recovery replaces its references. End the history there and begin the next with the
//     states that recovery should find.
//   - if the network delivered a request twice. Add one more call with the result Unknown and Return [Pending] for the
//     duplicate.
//   - if InUse of a Remove means anything but references on this host, such as a disk that could not be let go yet:
//     give that one as Refused.
//   - for a Get that overlaps a Create which failed: the volume may be visible for a moment and be taken back, so a Get
//     that saw it is not judged.
//   - about data, mountpoints and access modes: other oracles see those.
//
// A list of volumes is a Get of each, not found if it is not in it; whoever asks for a mountpoint alone does a Get, too, and may
// hear [SeenNowhere].
//
// An example:
//
//	var c model.Checker
//	v := c.Linearizable(nil, []model.Call{
//		{Op: model.Op{Kind: model.Create, Volume: "data@ds1", FSType: "ext4"}, Invoke: 1, Return: 2},
//		{Op: model.Op{Kind: model.Mount, Volume: "data@ds1", ID: "c1"}, Invoke: 3, Return: 6},
//		{Op: model.Op{Kind: model.Remove, Volume: "data@ds1"}, Invoke: 4, Return: 5}, // ok: so it came first
//	})
//	// v.Answer == model.No: then the Mount would have been "not found"
package model
