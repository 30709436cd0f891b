package guestsim

import (
	"context"
	"slices"

	"vmdkvol/driver/wire"
)

// Disk waits until the guest sees a disk in the given slot and returns its device path. It yields only if it has to
// wait, and gives up with context.Cause(ctx) when ctx is done.
func (g *Guest) Disk(ctx context.Context, at wire.Device) (string, error) {
	g.media.lock()
	p := g.place(at)
	g.cfg.Env.Touch(p.path, false)
	if p.diskID != "" && !p.lost {
		g.media.unlock()
		return p.path, nil
	}
	if g.arrival == nil {
		g.arrival = g.cfg.Env.NewMonitor("guest.disk")
	}
	g.media.unlock()

	if err := g.arrival.Lock(ctx); err != nil {
		return "", &Error{Op: "wait for disk", Object: p.path, Err: err}
	}
	defer g.arrival.Unlock()
	for {
		g.media.lock()
		g.cfg.Env.Touch(p.path, false)
		seen := p.diskID != "" && !p.lost
		if !seen {
			g.waiting++
		}
		g.media.unlock()
		if seen {
			return p.path, nil
		}
		err := g.arrival.Wait(ctx)
		// A task that crashes in Wait leaves its count behind; that costs Plug a needless Wake, no more.
		g.media.lock()
		g.waiting--
		g.media.unlock()
		if err != nil {
			return "", &Error{Op: "wait for disk", Object: p.path, Err: err}
		}
	}
}

// Probe says what a disk holds: "" if it is blank, the name of its file system, or Torn.
func (g *Guest) Probe(_ context.Context, disk string) (string, error) {
	fault := g.before("guest.probe", disk, failFaults)
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(disk, false)
	p := g.device(disk)
	if p == nil {
		return "", fail("probe", disk, "", ErrNoDisk)
	}
	g.cfg.Env.Touch(p.diskID, false)
	if fault == 1 {
		return "", fail("probe", disk, "", ErrIO)
	}
	return p.medium.content, nil
}

// Mkfs makes an empty file system. It formats whatever the disk holds, as a forced mkfs does, but not a mounted disk.
func (g *Guest) Mkfs(_ context.Context, disk, fstype, label string) error {
	fault := g.before("guest.mkfs", disk, mkfsFaults)
	p, turn, err := g.beginMkfs(disk, fstype, label, fault)
	if err != nil {
		return err
	}
	finished := false
	defer func() { // a crash of the plugin, by a panic of Before, kills its mkfs
		if !finished {
			g.dropMkfs(p, turn)
		}
	}()
	g.cfg.Stage.Before("guest.mkfs.end", disk)
	finished = true
	return g.endMkfs(p, turn, fstype, label)
}

func (g *Guest) beginMkfs(disk, fstype, label string, fault int) (p *place, turn int, err error) {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(disk, true)
	p = g.device(disk)
	if p == nil {
		return nil, 0, fail("mkfs", disk, "", ErrNoDisk)
	}
	g.cfg.Env.Touch(p.diskID, true)
	if !slices.Contains(g.Filesystems(), fstype) {
		return nil, 0, fail("mkfs", disk, "cannot make file system "+fstype, ErrInvalid)
	}
	if fstype == "xfs" && len(label) > 12 {
		return nil, 0, fail("mkfs", disk, "label longer than 12 characters", ErrInvalid)
	}
	for i := range g.mounts {
		if g.mounts[i].disk == disk && !g.mounts[i].removed {
			g.violation(OracleMkfsOnMounted, "mkfs of disk "+p.diskID+" mounted at "+g.mounts[i].mountpoint)
			return nil, 0, fail("mkfs", disk, "mounted at "+g.mounts[i].mountpoint, ErrBusy)
		}
	}
	if fault == 1 {
		return nil, 0, fail("mkfs", disk, "", ErrIO)
	}
	if p.medium.content != "" {
		g.violation(OracleMkfsOnData, "mkfs of disk "+p.diskID+", which holds "+p.medium.content)
	}
	p.medium.wipe()
	if fault == 2 {
		return nil, 0, fail("mkfs", disk, "stopped half-way", ErrIO)
	}
	p.busy++
	return p, p.turn, nil
}

func (g *Guest) endMkfs(p *place, turn int, fstype, label string) error {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(p.path, true)
	if p.turn != turn || p.diskID == "" {
		return fail("mkfs", p.path, "the disk is gone", ErrIO)
	}
	p.busy--
	g.cfg.Env.Touch(p.diskID, true)
	d := p.medium
	d.content, d.label, d.files, d.dirty = fstype, label, nil, nil
	d.formats++
	return nil
}

func (g *Guest) dropMkfs(p *place, turn int) {
	g.media.lock()
	defer g.media.unlock()
	if p.turn == turn && p.diskID != "" {
		p.busy--
	}
}

// Release makes sure that nobody holds the disk.
func (g *Guest) Release(_ context.Context, disk string) error {
	fault := g.before("guest.release", disk, releaseFaults)
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(disk, false)
	p := g.device(disk)
	if p == nil {
		return fail("release", disk, "", ErrNoDisk)
	}
	if fault == 1 {
		return fail("release", disk, "held in another mount namespace", ErrBusy)
	}
	for i := range g.mounts {
		if g.mounts[i].disk == disk && !g.mounts[i].removed {
			return fail("release", disk, "mounted at "+g.mounts[i].mountpoint, ErrBusy)
		}
	}
	return nil
}

// Filesystems returns the file systems that Mkfs can make, sorted. The caller must not change the slice.
func (g *Guest) Filesystems() []string { return g.cfg.Filesystems }
