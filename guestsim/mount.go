package guestsim

import (
	"context"
	"io/fs"
)

// Mount mounts a disk. fstype must be what the disk holds.
func (g *Guest) Mount(_ context.Context, disk, mountpoint, fstype string, readOnly bool) error {
	fault := g.before("guest.mount", object(mountpoint), failFaults)
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, true)
	g.cfg.Env.Touch(disk, true)
	if fault == 1 {
		return fail("mount", mountpoint, "", ErrIO)
	}
	p := g.device(disk)
	if p == nil {
		return fail("mount", mountpoint, "no disk at "+disk, ErrNoDisk)
	}
	g.cfg.Env.Touch(p.diskID, true)
	if p.medium.content != fstype || fstype == "" || fstype == Torn {
		return fail("mount", mountpoint, "no file system "+fstype+" on "+disk, ErrInvalid)
	}
	if err := g.checkMount(p, mountpoint, readOnly); err != nil {
		return err
	}
	g.listed(true)
	g.mounts = append(g.mounts, mounted{
		mountpoint: mountpoint, disk: disk, diskID: p.diskID, medium: p.medium, fstype: fstype, readOnly: readOnly,
	})
	p.medium.mounts = append(p.medium.mounts, holder{g, readOnly})
	g.changed()
	return nil
}

// checkMount reports what a correct driver never does; it refuses only what Linux refuses.
func (g *Guest) checkMount(p *place, mountpoint string, readOnly bool) error {
	if i := g.top(mountpoint); i >= 0 {
		g.violation(OracleMountOverMount,
			"disk "+p.diskID+" mounted at "+mountpoint+" over disk "+g.mounts[i].diskID)
		if g.mounts[i].diskID == p.diskID && !g.mounts[i].removed {
			return fail("mount", mountpoint, "already mounted there", ErrBusy)
		}
	}
	for _, h := range p.medium.mounts {
		switch {
		case h.guest == g && h.readOnly != readOnly:
			g.violation(OracleModes, "disk "+p.diskID+" mounted at "+mountpoint+" in another access mode")
			return fail("mount", mountpoint, "mounted in another access mode", ErrBusy)
		case h.guest != g && !(h.readOnly && readOnly):
			g.violation(OracleTwoGuests, "disk "+p.diskID+" mounted at "+mountpoint+" and in another guest")
		}
	}
	return nil
}

// Unmount removes the mount that is seen at the mountpoint. Not mounted is success.
func (g *Guest) Unmount(_ context.Context, mountpoint string) error {
	fault := g.before("guest.unmount", object(mountpoint), failFaults)
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, true)
	i := g.top(mountpoint)
	if i < 0 {
		return nil
	}
	if fault == 1 {
		return fail("unmount", mountpoint, "in use", ErrBusy)
	}
	g.unmount(i)
	return nil
}

// Tamper unmounts as an administrator of the VM does by hand, behind the plugin's back; false if nothing is mounted there. It
// does not yield.
func (g *Guest) Tamper(mountpoint string) bool {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, true)
	i := g.top(mountpoint)
	if i >= 0 {
		g.unmount(i)
	}
	return i >= 0
}

// unmount ends a mount. What is in the guest's memory goes to the disk with the last one.
func (g *Guest) unmount(i int) {
	m := g.mounts[i]
	g.cfg.Env.Touch(m.disk, true)
	g.cfg.Env.Touch(m.diskID, true)
	if !m.removed {
		m.medium.release(g, m.readOnly)
		if !m.medium.mountedIn(g) {
			m.medium.flush(g)
		}
	}
	g.listed(true)
	g.mounts = append(g.mounts[:i], g.mounts[i+1:]...)
	g.changed()
}

// Mounted returns the device path of the disk that is seen at the mountpoint, "" if none. It does not yield.
func (g *Guest) Mounted(_ context.Context, mountpoint string) (string, error) {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, false)
	if i := g.top(mountpoint); i >= 0 {
		return g.mounts[i].disk, nil
	}
	return "", nil
}

// Verify returns nil if the mountpoint is that disk, with that access mode. It does not yield.
func (g *Guest) Verify(_ context.Context, disk, mountpoint string, readOnly bool) error {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, false)
	i := g.top(mountpoint)
	switch {
	case i < 0:
		return fail("verify", mountpoint, "nothing is mounted there", ErrInvalid)
	case g.mounts[i].disk != disk || g.mounts[i].removed:
		return fail("verify", mountpoint, "it is not "+disk, ErrInvalid)
	case g.mounts[i].readOnly != readOnly:
		return fail("verify", mountpoint, "the access mode is another", ErrReadOnly)
	}
	return nil
}

// Write writes a file as a container would. Where nothing is mounted it lands in the bare host directory, which is how
// a container that started too early loses its data. On a disk it is in the guest's cache until Sync or the last Unmount.
// It does not yield; the caller's step is the container's.
func (g *Guest) Write(mountpoint, file string, data []byte) error {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, false)
	i := g.top(mountpoint)
	if i < 0 {
		if g.bare == nil {
			g.bare = make(map[string]map[string]string)
		}
		if g.bare[mountpoint] == nil {
			g.bare[mountpoint] = make(map[string]string)
		}
		g.cfg.Env.Touch(mountpoint, true)
		g.bare[mountpoint][file] = string(data)
		return nil
	}
	m := &g.mounts[i]
	switch {
	case m.removed:
		return fail("write", mountpoint, "the disk is gone", ErrIO)
	case m.readOnly:
		return fail("write", mountpoint, "", ErrReadOnly)
	}
	g.cfg.Env.Touch(m.diskID, true)
	m.medium.write(g, file, string(data))
	return nil
}

// Read reads a file as a container would, from the bare host directory if nothing is mounted. A missing file is
// fs.ErrNotExist. It does not yield.
func (g *Guest) Read(mountpoint, file string) ([]byte, error) {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, false)
	data, ok := g.bare[mountpoint][file]
	if i := g.top(mountpoint); i >= 0 {
		m := &g.mounts[i]
		if m.removed {
			return nil, fail("read", mountpoint, "the disk is gone", ErrIO)
		}
		g.cfg.Env.Touch(m.diskID, false)
		data, ok = m.medium.read(g, file)
	}
	if !ok {
		return nil, &Error{Op: "read", Object: mountpoint, Reason: file, Err: fs.ErrNotExist}
	}
	return []byte(data), nil
}

// Sync makes what was written to the file system at a mountpoint survive a loss of power, as fsync and sync do. It does
// not yield.
func (g *Guest) Sync(mountpoint string) error {
	g.media.lock()
	defer g.media.unlock()
	g.cfg.Env.Touch(mountpoint, false)
	i := g.top(mountpoint)
	if i < 0 {
		return nil // the host's own disk, whose fate is not simulated
	}
	m := &g.mounts[i]
	if m.removed {
		return fail("sync", mountpoint, "the disk is gone", ErrIO)
	}
	g.cfg.Env.Touch(m.diskID, true)
	m.medium.flush(g)
	return nil
}

// Bare counts the files that were written to the bare host directory of a mountpoint. It does not yield.
func (g *Guest) Bare(mountpoint string) int {
	g.media.lock()
	defer g.media.unlock()
	return len(g.bare[mountpoint])
}
