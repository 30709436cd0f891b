package guestsim

import (
	"context"
	"path"
	"slices"

	"vmdkvol/driver/wire"
)

// mountTable is the object that stands for the whole mount table.
const mountTable = "mount table"

func (g *Guest) listed(write bool) {
	if g.cfg.Listed {
		g.cfg.Env.Touch(mountTable, write)
	}
}

// Below returns the names of the mountpoints directly below a directory, sorted. There are no directories without a mount.
// It does not yield.
func (g *Guest) Below(_ context.Context, dir string) ([]string, error) {
	g.media.lock()
	defer g.media.unlock()
	g.listed(false)
	var names []string
	for i := range g.mounts {
		if at := g.mounts[i].mountpoint; path.Dir(at) == dir {
			names = append(names, path.Base(at))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Present returns the device path of the disk in a slot, "" if the guest sees none there. It does not yield.
func (g *Guest) Present(_ context.Context, at wire.Device) (string, error) {
	g.media.lock()
	defer g.media.unlock()
	p := g.place(at)
	g.cfg.Env.Touch(p.path, false)
	if p.diskID == "" || p.lost {
		return "", nil
	}
	return p.path, nil
}
