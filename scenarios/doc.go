// Package scenarios is the testbed: a language for what happens to volumes, the world in which it happens, and the
// judges of what came out. The world wires the production driver to a simulated guest and, through a simulated VMCI
// network, to a simulated ESX service, all under the schedule explorer.
//
// # The language
//
// A scenario file ends in .scn. It is UTF-8, one statement a line; docs/scenarios.md explains each with an example.
//
//	file     = { given } start { start } [ schedule ] [ expect ] { end }   # canonical order; any is accepted
//	given    = "given esx" ESX
//	         | "given datastore" DATASTORE [ "local=" ESX ]
//	         | "given vm" VM [ "bios=" VM ] [ "esx=" ESX ] [ "home=" DATASTORE ]
//	         | "given vmgroup" VMGROUP [ "vms=" VM { "," VM } ]
//	         | "given access" VMGROUP "datastore=" DATASTORE [ "create=" ("yes" | "no") ] [ "max=" SIZE ] [ "quota=" SIZE ]
//	         | "given volume" VOLUME { ("size" | "fstype" | "access" | "diskformat" | "attach-as") "=" VALUE }
//	         | "given network" { "direct" | "shared" | "one-recv" | "leftover-id" | "gives-up" | "one-receiver" | "backlog-one" | "faults=" FAULT { "," FAULT } }   # vmcisim.ParseFaults
//	         | "given locks" ("barging" | "go")
//	         | "given quirk" QUIRK "=" ("on" | "off")
//	         | "given quirks" ("faithful" | "fixed")
//	         | "given latency" COMMAND "=" DURATION { COMMAND "=" DURATION }
//	         | "given recovery every=" DURATION
//	         | "given steps" ("every" | "fine")
//	         | "given crashes" ("plugin" | "esx" | "vm") { "," ("plugin" | "esx" | "vm") }
//	         | "given faults" NUMBER
//	start    = "start" CLIENT [ "@" VM ] ":" op { ";" op }
//	op       = "create" VOLUME { KEY "=" VALUE } | "remove" VOLUME | "mount" VOLUME [ "id=" ID ]      # docker
//	         | "unmount" VOLUME [ "id=" ID ] | "get" VOLUME | "list" | "path" VOLUME
//	         | "write" VOLUME TEXT | "sync" VOLUME | "read" VOLUME | "tamper" VOLUME                 # guest
//	         | ("poweroff" | "poweron" | "suspend" | "resume" | "reset") VM                          # esx
//	         | "migrate" VM ESX | "rename" VM NAME | ("stop" | "fail" | "replace") ESX
//	         | "admin" "set" VOLUME { ("access" | "attach-as") "=" VALUE }
//	         | "admin" ("add" | "drop" | "limit" | "remove" | "rename") VMGROUP { KEY "=" VALUE }
//	         | "send" COMMAND [ VOLUME ] { KEY "=" VALUE }
//	         | ("crash" | "restart") ("plugin" | ESX | "hostd" [ "@" ESX ])                          # plugin, esx
//	         | "sleep" DURATION                                                                      # time
//	         | "check" fact { fact }                                                                 # judge
//	schedule = "schedule" { INDENT deviation }                                # see explore.Deviation
//	expect   = "expect" { INDENT answer } { INDENT count }
//	         | "expect exactly" { INDENT event } { INDENT count }
//	answer   = CLIENT op "->" ANSWER
//	event    = CLIENT op [ "->" ANSWER ]
//	count    = "count" POINT "=" NUMBER { POINT "=" NUMBER }
//	end      = "end" fact { fact }
//	fact     = "refs(" [ VM ":" ] VOLUME ")=" (NUMBER | "down")
//	         | "attached(" VOLUME ")=" (VM | "none")
//	         | "mounted(" [ VM ":" ] VOLUME ")=" ("read-only" | "read-write" | "none")
//
// Words are separated by blanks or tabs. A "#" that begins a line, or stands between blanks, begins a comment; one inside
// a word counts visits. Statements do not refer to each other, but by the names of VMs, clients and tasks, and none of
// these has parts, so a script cannot contain a cycle.
//
// Format writes the canonical form, Update rewrites an expect block to what happened; cmd/vmdksim has them as "fmt" and
// "run --update".
//
// # The judges
//
// Whatever a scenario expects, the oracles watch every run: oracle.go lists them, and docs/scenarios.md says what they
// leave alone when something crashes. An answer, a count, an end and a check are expectations: they are compared when a
// script is replayed under its own schedule, not when its schedules are explored.
//
// A proof ([Prover]) runs of each trace the orders that say most, and not all of these: spare.go says which ones cannot tell the
// oracles anything new.
//
// Invariants:
//
//   - A world is built anew for every schedule and shares nothing with the last one but room and memories of pure functions, so
//     that a schedule's outcome depends on the scenario and the schedule alone.
//   - An oracle that looks at something else than what an answer or the end leaves, and who overlaps whom, has a condition
//     in spare.go.
//
// Example:
//
//	script, err := scenarios.Load("mount-two-containers.scn")
//	...
//	stage, err := scenarios.NewStage(script)
//	...
//	defer stage.Close()
//	outcome, err := stage.Replay(false) // then outcome.Failed()
package scenarios
