// Package guestsim simulates the operating system of one VM as the driver sees it: the disks that the ESX host
// hot-plugs, the file systems on them with their contents, and the mount table.
//
// It is not the plugin, and it is not ESX. A [Guest] outlives crashes of both: a mount stays until somebody unmounts
// it. What a disk holds outlives even the guest: it lives in a [Media], which all guests of a world share, because it
// moves with the VMDK from VM to VM.
//
// Invariants:
//
//   - A visible effect yields first (Stage.Before), then happens at once. Mkfs alone happens in two steps, so that a
//     crash can fall between them: until the second, the disk holds half a file system.
//   - Disk yields only when it has to wait; Mounted, Filesystems, Plug, Unplug, Write, Read and the inspection
//     methods never do. (On a guarded Media, see [NewMedia], every method locks one monitor once.)
//   - Nothing is refused in order to protect the driver. What a real kernel lets happen, happens here, and the
//     mistake is reported through Config.Violation before the method returns.
//
// Fidelity: one file system per whole disk, no partitions; what is written is in the guest's cache until Sync or the last
// Unmount, is lost whole with the guest's power and never torn (a real guest also writes back on its own, up to half a minute later); device paths follow the slot
// (bus and unit), so a slot that is used again gives its old path to another disk, as by-path links do
// (docs/original.md §3.6). Mounting one disk twice shares it, or is refused as busy if the access mode differs, and a mount over
// a mount hides it, as on Linux. Labels are kept but bounded only for xfs (12 characters, docs/original.md §3.3), and
// no file system has a minimum size.
//
// Points and faults, with the object each is about:
//
//	guest.probe    disk                 fail
//	guest.mkfs     disk                 fail (nothing written), torn (half a file system is left)
//	guest.mkfs.end disk                 -
//	guest.mount    base of mountpoint   fail
//	guest.unmount  base of mountpoint   fail (ErrBusy; still mounted)
//	guest.release  disk                 busy (held in another mount namespace)
//	guest.plug     disk                 lost (attached, but no device appears); a Choose only, in the host's step
//
// [Faults] lists them for a search, which then knows what no run came to.
//
// A volume's life in a guest:
//
//	g := guestsim.New(guestsim.Config{Env: env, Stage: stage, Media: media})
//	_ = g.Plug(at, "disk-1", 100<<20)        // the ESX host
//	disk, _ := g.Disk(ctx, at)               // from here on, the driver
//	_ = g.Mkfs(ctx, disk, "ext4", "data")
//	_ = g.Mount(ctx, disk, "/mnt/data@ds1", "ext4", false)
//	_ = g.Write("/mnt/data@ds1", "f", []byte("hello")) // a container
//	_ = g.Sync("/mnt/data@ds1")
package guestsim
