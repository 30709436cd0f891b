// Package esxsim is the simulated ESX service that a volume plugin talks to: it makes virtual disks on datastores and
// plugs them into VMs. It takes and gives the JSON texts of the protocol, without frames; transports carry them.
//
// It is not a program and has no guest: datastores are a [Store] (in memory: [MemStore]), the VM's hardware is a [Bus],
// and package esxsim/host makes a host for real Docker machines of it. Section numbers in the comments are those of
// docs/original.md.
//
// Invariants:
//
//   - Handle always answers and never panics, whatever the request.
//   - A disk is in at most one VM: the file lock of the Store is taken before a disk is plugged in and given back after
//     it is unplugged. Metadata is advice.
//   - One command at a time per volume, and one attach or detach at a time per VM, as far as the lock names of §2.11 go
//     ([HomeDatastoreLock]). The lock of a volume is taken before that of a VM. Idle, the lock table is empty.
//   - The service yields (Stage.Before, or a lock) before each effect that others can see, and holds no half-made state
//     there. What lies between two yields is one step.
//
// # Yield points and faults
//
// The object is the volume part of the name as sent. Every point can suffer "fail".
//
//	esx.create esx.remove esx.get esx.attach esx.detach esx.list esx.unknown   before the command; fail: the service is unavailable
//	esx.create.disk esx.create.meta
//	esx.attach.plug   also "busy": another task of the VM is in progress
//	esx.attach.meta   fail: the reply is still success, the metadata is stale
//	esx.detach.unplug also "busy"
//	esx.detach.meta   fail: as for attach
//	esx.remove.meta
//	esx.remove.disk   also "file": the kind of fault that is tried again, five times, a second apart
//	esx.poweroff (object: the VM; no fault) esx.poweroff.meta
//
// [Faults] and [Sometimes] list for a search what runs of it may never have come to.
//
// # Fidelity
//
// Faithful: the order of checks (§2.2), names (§2.3), datastores (§2.4), options (§2.6), placement (§2.7), the texts of
// replies and faults, the order of effects, advisory metadata, at-least-once commands, the listener's test-and-set at
// power-off (§2.13), and the quirks in [QuirkList].
//
// Simplified: every reconfigure takes effect at one instant. Writing a sidecar is atomic, so nobody reads half of one
// (D12 needs an unreadable sidecar, which a Store can have). Texts of the ESX API that the original only passed on are ours where its sources do
// not show them. All disk-adding controllers are PVSCSI. The metadata of a VM without instance uuid records the BIOS uuid. Attaching
// to a VM that is powered off fails.
//
// Absent: clone-from (an honest error), vmgroups other than _DEFAULT with privileges and quotas (§2.12; the mode is "not
// configured"), vSAN policies, snapshots, several hosts with host failures (a Store can be shared already), force detach
// (§2.8), stop and restart (§2.15).
//
// # Example
//
//	store := esxsim.NewMemStore(env, false, "ds1")
//	esx, err := esxsim.New(esxsim.Config{Env: env, Store: store, Bus: guest})
//	err = esx.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"})
//	reply := esx.Handle(ctx, "vm1", []byte(`{"cmd":"create","details":{"Name":"data"},"version":"2"}`)) // null
package esxsim
