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
// # Checkpoints, faults and quirks
//
// [Checkpoints] lists the points at which a schedule may pause, fail or crash the service, one for each numbered step of
// §2.6 to §2.10. The object is the volume part of the name as sent. Steps that only read or decide are points with
// [Config.EveryStep] alone: nobody else sees anything of them, and a yield costs an explorer dearly.
//
// [QuirkList] lists what the original did and one would not build, and bugs that it once had. The default is the last
// release.
//
// [Faults] and [Sometimes] list for a search what runs of it may never have come to.
//
// # vmgroups
//
// Without [Config.Groups] everybody is in vmgroup _DEFAULT and may do everything. An [Authority] is the config database as
// the service asks it, a [ConfigDB] as an [Admin] changes it; [MemConfig] is one in memory, and package
// esxsim/host/configdb has one in a file. The service asks at the start of a request and does not ask again; what it
// knows then, the name of the vmgroup among it, holds until the reply.
//
// # Fidelity
//
// docs/fidelity.md says of each fact whether it is faithful, simplified or absent, and which test shows it. In short:
// every reconfigure takes effect at one instant, and so does an access to a sidecar, unless other hosts could see half of one
// ([Config.SharedStore]); texts of the ESX API that the original only passed on are ours where its
// sources do not show them. The metadata of a VM without instance uuid records the BIOS uuid. Attaching to a VM that is
// powered off fails.
//
// # Hosts, power and lives
//
// A Service is one ESX host. Several share a Store, each with what it reaches of it ([MemStore.Reach]); no lock of one holds
// on another, and only file locks keep their VMs apart. [Service.Move] is vMotion and the registration of a VM elsewhere,
// [Service.Fail] the end of a host. A disk stays in the configuration of a VM that is off until the listener takes it out
// ([Service.CutPower], [Service.Notice]); if that one has given up ([Service.HostdDown]), it comes back with the VM, if
// nobody else has it. [Service.Stop] and [Service.Started] are the process's lives. None of these starts a task: when the
// listener acts is for the caller, and its schedule, to say.
//
// # Example
//
//	store := esxsim.NewMemStore(env, false, "ds1")
//	esx, err := esxsim.New(esxsim.Config{Env: env, Store: store, Bus: guest})
//	err = esx.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"})
//	reply := esx.Handle(ctx, "vm1", []byte(`{"cmd":"create","details":{"Name":"data"},"version":"2"}`)) // null
package esxsim
