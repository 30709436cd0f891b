// Package driver decides what the plugin does: which volume is created, attached, mounted and let go, in which order,
// and what happens when something fails or two requests meet. It does no I/O itself: ESX is behind [Backend], this
// machine behind [Guest], and locks, time and background work behind seam.Env, so that the same compiled code runs in
// production and under the schedule explorer.
//
// The life of a Mount:
//
//	lock the volume → is it mounted? count the reference, done
//	               → get → attach → wait for the disk → mount → count the reference → unlock
//
// Invariants:
//
//   - A volume's lock is held from before its references change until its disk matches them. So a Mount answers only
//     when its mountpoint is the disk, and the last Unmount has let the disk go before anyone else looks.
//   - Locks are keyed by the volume part of a name. v, v@ and v@ds1 share one, because only ESX knows which of them are
//     one volume. References, mountpoints and mounts are keyed by the full name that ESX answered.
//   - References are a multiset of mount IDs: Docker mounts one ID twice (docker cp) and unmounts it twice.
//   - A file system is made only by the Create that holds the disk attached, only on a disk that is blank. Doubt is an
//     error.
//   - A disk is detached only after Guest.Release has seen that nobody holds it. Until then it stays attached, and a
//     background task tries again.
//   - An unknown outcome is settled by asking; nothing is inferred from the text of an error.
//   - What an earlier life mounted is taken over with its holders, the heirs: nobody tells their mount IDs, so only Docker's
//     list of containers ends their hold, and only a list in which none runs and none can be about to start. Each answer
//     replaces what was believed, and a later one is never replaced by an earlier one.
//   - An Unmount of a reference that an earlier life counted is remembered until Docker shows what it meant.
//   - Recovery takes the locks of volumes like everybody else, and asks Docker without any lock. What is attached without a
//     mount is let go only after an attach has proven that this VM has it.
//   - In the first two seconds of a life nothing is attached or detached: ESX may still execute what the last life asked for.
//
// Lock order: a volume's lock, then the table's, the limit's or the recovery's monitor; never the other way, and no request,
// wait or sleep under the table's monitor (docs/locking.md).
//
//	d, err := driver.New(driver.Config{Backend: esx, Guest: guest, Env: seam.Real(), MountRoot: "/mnt/vmdk"})
//	...
//	mountpoint, err := d.Mount(ctx, "data", "id1")
package driver
