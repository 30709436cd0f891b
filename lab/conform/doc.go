// Package conform is the conformance suite: conversations between VMs and the simulated ESX host, to the letter, which give
// the same texts over every way from one to the other and on both kinds of datastores.
//
// The ways are the simulated network, whole and with every frame in pieces; the unix sockets of vmdksim serve, with the
// driver's transport and with a client that knows nothing of driver/wire (package byhand); a pair of sockets that speaks
// what driver/vmci speaks after its connect; and AF_VSOCK with driver/vmci itself, where the build has the tag vmci and the
// machine a loopback. Datastores, and the config database with them, are in memory or in files.
//
// # Golden cases
//
// A file testdata/*.golden has cases. Their requests and replies are written from docs/original.md, not from what the code
// answers; UPDATE=1 rewrites none of them. A case begins with the sections of docs/original.md that it speaks of:
//
//	== 2.3 2.6 what it shows
//	given quirk null-get=off
//	vm1 create v {"size":"1gb"}
//	  null
//
// What may be given: "quirk NAME=off,…"; "default DATASTORE" of vmgroup _DEFAULT; "groups", a config database as a new one is;
// "broken", one that is none, and "no-default",
// one in which _DEFAULT has no default datastore; "vsan DATASTORE"; "version TEXT"; "datastores NAME…", in the place of ds1, DS2 and ds3. vm1 and
// vm2 are at home on the first datastore, vm3 on the last one.
//
// A step and, indented, its reply:
//
//	vm1 create NAME OPTS    a command with its volume, both as they are or as JSON; see asks
//	vm1 text TEXT           a request as it is
//	vm1 bytes efbead0b "…"  the bytes of a whole connection, in hex or as Go strings, where the way has bytes; "closed" is a
//	                        connection that the host closes without a byte
//	admin WORDS             a command of the administrator, as vmdksim admin takes it: "ok", or "refused: TEXT"
//	power off vm1           and on; it has no reply
//	fault POINT NAME        the next time that the service comes to this checkpoint it suffers that fault; no reply
//
// "for 1..15 STEP" is fifteen steps with the same reply, in which {n} is the number. Anywhere {x*101} is a hundred and one times x; in a reply {time} is a time as §2.6 has it, and {any} is any text without a
// quotation mark.
//
// docs/fidelity.md has a table of the golden cases by section, and one of the texts of docs/original.md that no golden reply
// has, with the reason. TestCoverage keeps both.
package conform
