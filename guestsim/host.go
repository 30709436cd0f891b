package guestsim

import (
	"context"
	"slices"

	"vmdkvol/driver/wire"
)

// Plug puts a disk of size bytes into a free slot. It is the ESX host's side and belongs to the host's step: it does
// not yield, unless a task waits in Disk.
func (g *Guest) Plug(at wire.Device, diskID string, size int64) error {
	g.media.lock()
	p := g.place(at)
	g.cfg.Env.Touch(p.path, true)
	if p.diskID != "" {
		g.media.unlock()
		return fail("plug", p.path, "the slot holds disk "+p.diskID, ErrBusy)
	}
	p.diskID, p.size, p.medium = diskID, size, g.media.disk(diskID)
	if o := p.medium.owner; o != nil {
		g.violation(OracleTwoOwners, "disk "+diskID+" plugged in while it is in "+whose(o, g))
	}
	p.medium.owner = g
	p.turn++
	p.lost = g.cfg.Stage.Choose("guest.plug", p.path, plugFaults...) == 1
	g.changed()
	wake := g.waiting > 0 && !p.lost
	g.media.unlock()
	if wake {
		if err := g.arrival.Lock(context.Background()); err != nil {
			return err
		}
		g.arrival.Wake()
		g.arrival.Unlock()
	}
	return nil
}

func whose(owner, g *Guest) string {
	if owner == g {
		return "another slot"
	}
	return "another guest"
}

// Unplug takes the disk out of a slot. Nothing holds it back: if the disk is mounted, that is a surprise removal,
// and every later use of the mount is an I/O error. It does not yield.
func (g *Guest) Unplug(at wire.Device) error {
	g.media.lock()
	defer g.media.unlock()
	p := g.place(at)
	g.cfg.Env.Touch(p.path, true)
	if p.diskID == "" {
		return fail("unplug", p.path, "", ErrNoDisk)
	}
	for i := range g.mounts {
		m := &g.mounts[i]
		if m.disk == p.path && !m.removed {
			m.removed = true
			m.medium.release(g, m.readOnly)
			m.medium.drop(g)
			g.cfg.Env.Touch(m.mountpoint, true)
			g.violation(OracleSurpriseRemoval, "disk "+p.diskID+" unplugged while mounted at "+m.mountpoint)
		}
	}
	if p.busy > 0 {
		g.violation(OracleSurpriseRemoval, "disk "+p.diskID+" unplugged during mkfs")
	}
	if p.medium.owner == g {
		p.medium.owner = nil
	}
	p.diskID, p.size, p.medium, p.lost, p.busy = "", 0, nil, false, 0
	g.changed()
	return nil
}

// PowerOff ends all mounts at once, as the loss of the VM does; what was not synced is lost. Disks stay plugged until the host unplugs them. It
// does not yield.
func (g *Guest) PowerOff() {
	g.media.lock()
	defer g.media.unlock()
	for _, m := range g.mounts {
		g.cfg.Env.Touch(m.mountpoint, true)
		if !m.removed {
			m.medium.release(g, m.readOnly)
			m.medium.drop(g)
		}
	}
	for _, p := range g.places {
		if p.medium != nil && p.medium.owner == g {
			p.medium.owner = nil // a VM that does not run owns nothing
		}
	}
	g.listed(true)
	g.mounts = nil
	g.changed()
}

// Mount is one entry of the mount table.
type Mount struct {
	Mountpoint string
	DiskID     string
	Disk       string // device path
	FSType     string
	ReadOnly   bool
	Removed    bool // the disk was unplugged under the mount
}

// Disk is a disk in a slot.
type Disk struct {
	At     wire.Device
	DiskID string
	Disk   string // device path
	Size   int64  // bytes
}

// Version changes whenever a disk or a mount does, so that an oracle need not look after every step. It takes no lock: to the
// race detector whoever took that next would come after all that the oracle has seen, which is everything. So call it when
// no task is within the guest.
//
//go:norace
func (g *Guest) Version() uint64 { return g.version }

// changed counts a change of a disk or a mount.
func (g *Guest) changed() {
	g.version++
	if g.cfg.Changed != nil {
		*g.cfg.Changed = true
	}
}

// Mounts returns the mount table, by mountpoint; of mounts on one mountpoint the last is on top.
func (g *Guest) Mounts() []Mount { return g.AppendMounts(nil) }

// AppendMounts appends what Mounts returns.
func (g *Guest) AppendMounts(to []Mount) []Mount {
	g.media.lock()
	defer g.media.unlock()
	start := len(to)
	for i := range g.mounts {
		to = append(to, g.mounts[i].public())
	}
	slices.SortStableFunc(to[start:], func(a, b Mount) int {
		switch {
		case a.Mountpoint < b.Mountpoint:
			return -1
		case a.Mountpoint > b.Mountpoint:
			return 1
		}
		return 0
	})
	return to
}

// At returns the mount that is seen at a mountpoint. ok is false if nothing is mounted there.
func (g *Guest) At(mountpoint string) (m Mount, ok bool) {
	g.media.lock()
	defer g.media.unlock()
	if i := g.top(mountpoint); i >= 0 {
		return g.mounts[i].public(), true
	}
	return Mount{}, false
}

func (m *mounted) public() Mount {
	return Mount{m.mountpoint, m.diskID, m.disk, m.fstype, m.readOnly, m.removed}
}

// Plugged returns the plugged disks, by device path.
func (g *Guest) Plugged() []Disk {
	g.media.lock()
	defer g.media.unlock()
	var disks []Disk
	for _, p := range g.places {
		if p.diskID != "" {
			disks = append(disks, Disk{p.at, p.diskID, p.path, p.size})
		}
	}
	slices.SortFunc(disks, func(a, b Disk) int {
		if a.Disk < b.Disk {
			return -1
		}
		return 1
	})
	return disks
}
