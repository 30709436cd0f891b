// Package host makes a simulated ESX host for real Docker machines: package esxsim over VMDK files in directories,
// disks that appear as loop devices, and one unix socket per VM. vmdkd embeds one; `vmdksim serve` is one as a program.
//
// It decides nothing: what a command means is in package esxsim. It is not ESX storage: a datastore is a directory of one machine, and
// all "VMs" are mount namespaces, or containers, of one kernel.
//
// Invariants:
//
//   - Names come from guests: no name leads out of a datastore's directory ([os.Root], and reads that follow no link), and the
//     file names in a descriptor are never followed. Who the caller is, its socket says, not its request.
//   - A disk is in at most one VM. Its file lock is flock(2) on its data file, which keeps other processes out, too. A loop
//     device shares the lock, so the lock lasts as long as anybody still uses the disk, even after this process has died.
//   - A volume exists if its descriptor does. Descriptors and sidecars are replaced as a whole, on disk before the
//     command is answered.
//   - What a process has left half done that died is deleted when the next one opens the directory; what another one is at
//     work on stays.
//   - Only loop devices of our own are touched: each carries a mark that names the VM directory, which one process at a
//     time can have.
//   - A request that is no good gets no byte and harms nobody else; a request that has begun is finished, but for one that
//     still waits for a lock when the host has ended for Config.Drain.
//   - A VM's guest takes no more than its share: connections, the time of each, unread replies and lines of log are bounded.
//     A silent client blocks others only with the quirk [OneReceiver].
//
// # On a datastore (docs/original.md §2.5, §2.14)
//
//	dockvols/_DEFAULT -> 11111111-1111-1111-1111-111111111111
//	dockvols/11111111-1111-1111-1111-111111111111/data.vmdk                     descriptor
//	dockvols/11111111-1111-1111-1111-111111111111/data-flat.vmdk                the disk's bytes
//	dockvols/11111111-1111-1111-1111-111111111111/data-2ae4dfa5b8ea6ee5.vmfd    metadata
//
// # In the directory of the VMs
//
//	vm1/dev/disk/by-path/pci-0000:05:00.0-scsi-0:0:0:0 -> /dev/loop3    for vmdkd --dev-root
//	vm1/sys/bus/pci/devices/0000:00:15.0/pci_bus/0000:05/               for vmdkd --sys-root
//
// # Fidelity
//
// As package esxsim says, and: pulling a disk out from under a file system is not possible with a loop device, whose kernel
// lets it live until its last user is gone; until then nobody can attach the disk. A host that starts finds the VMs as they
// were: disks that were left in use are still in them, whatever has become of their vmgroups, and all others are out, with
// their metadata saying so.
//
// [OneReceiver] and [GivesUp] are on by default, as all that the last release did; vmdksim serve has them off unless they are asked
// for.
//
// # Example
//
//	h, err := host.Open(host.Config{
//		Datastores: []host.Datastore{{Name: "ds1", Dir: "/srv/ds1"}},
//		VMs:        []host.VM{{Name: "vm1", Socket: "/run/esx1/vm1.sock"}},
//		VMDir:      "/run/esx1", Loop: true, Detach: true,
//	})
//	err = h.Serve(ctx) // until ctx is done
//	err = h.Close()
package host
