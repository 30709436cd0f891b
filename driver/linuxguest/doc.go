// Package linuxguest is this Linux machine as the driver needs it: it finds hot-plugged disks, says what they hold,
// makes file systems, mounts, unmounts, and makes sure that a disk is free before it is detached.
//
// It is a shell: it does I/O and decides nothing. It keeps no state between calls, starts nothing, and knows neither
// volumes nor references nor ESX. It is not a general mount library: only ext2, ext3, ext4, xfs and btrfs are made here.
//
// Invariants:
//
//   - The place that ESX sends is checked character by character before it becomes part of a path.
//   - Probe answers "" only when every region where a superblock or partition table could live was read and is zero;
//     Mkfs probes again by itself and writes to nothing else.
//   - Mount returns nil only after the mountpoint was seen to be that disk with that access mode; otherwise what
//     it mounted is unmounted again.
//   - Programs run without a shell, from fixed directories, with a fixed environment, and die with their context.
//   - No method keeps a descriptor, whatever happens.
//
// Unmount removes the directory of the mountpoint. A mount namespace that kept a private copy of the mount, such as that of a
// service that was started meanwhile, loses it from sight with the directory (Linux since 3.18); a process there that has
// files open keeps them, and Release sees that the disk is still held. A container is not concerned: its mount is on a
// directory of its own.
//
// Only root may write to MountRoot. Between the look at a mountpoint and mount(2), somebody else who can could put a link there;
// Mount would then fail, but leave its mount where the link leads.
//
// System calls such as mount(2), umount(2) and fsync(2) cannot be cancelled: a context is looked at between them. The
// work of a call on a dead disk can therefore outlast its deadline.
//
// All methods are safe for concurrent use on different disks and mountpoints. On systems other than Linux, New fails.
//
//	g, err := linuxguest.New(linuxguest.Config{MountRoot: "/var/lib/vmdkd/mounts"})
//	if err != nil {
//		return err
//	}
//	disk, err := g.Disk(ctx, wire.Device{Unit: "0", ControllerPciSlotNumber: "160", ControllerPciBusNumber: "15.0"})
//	if err != nil {
//		return err
//	}
//	err = g.Mount(ctx, disk, "/var/lib/vmdkd/mounts/data@ds1", "ext4", false)
package linuxguest
