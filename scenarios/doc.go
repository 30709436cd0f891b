// Package scenarios is the testbed: a language for what happens to volumes, the world in which it happens, and the
// judges of what came out. The world wires the production driver to a simulated guest and, through a simulated VMCI
// network, to a simulated ESX service, all under the schedule explorer.
//
// A scenario file ends in .scn and has these parts, in this order; "#" starts a comment, indented lines belong to the
// block above them:
//
//	given volume NAME [size=1gb] [fstype=ext4] [access=read-only]   # exists, formatted and detached
//	given network shared                                            # one connection for all, no request ids
//	given quirk NAME=on|off                                         # of the simulated ESX service
//	given faults N                                                  # explore may use so many
//	start CLIENT: OP [; OP]...                                      # by default, clients run one after another
//	schedule                                                        # deviations from that, see explore.Deviation
//	  switch c1 -> c2 before esx.attach(data)#1
//	expect                                                          # every operation's answer, and counts of events
//	  c1 mount data -> ok
//	  c2 mount data -> not found
//	  count esx.attach(data)=1 guest.mount(data@ds1)=1
//	end refs(data)=2 attached(data)=vm1 mounted(data)=read-write    # the state when all is done; "none" for no VM
//
// The operations are those of Docker: create NAME [size=] [fstype=] [access=]..., remove NAME, mount NAME [id=ID],
// unmount NAME [id=ID], get NAME. The mount ID is the client's name unless given. An answer is ok or the driver's kind
// of error. The VM is vm1, the datastore ds1.
//
// Whatever a scenario expects, the oracles watch every run: see oracle.go for their list.
//
// Invariant: a world is built anew for every schedule and shares nothing with the last one but memories of pure
// functions, so that a schedule's outcome depends on the scenario and the schedule alone.
package scenarios
