//go:build !vmci

package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"

	"vmdkvol/driver"
	"vmdkvol/driver/wire"
	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

// simGuest is a guest in memory: it needs no root and mounts nothing.
func simGuest() guestKind {
	return guestKind{
		form: "sim",
		open: func(s settings, _ backend, ops driver.Backend) (machine, error) {
			g := guestsim.New(guestsim.Config{
				Env:   s.env,
				Stage: seam.Quiet{},
				Violation: func(oracle, detail string) {
					s.log.Error("simulated guest: "+detail, "oracle", oracle)
				},
			})
			return machine{guest: g, ops: newPlugger(ops, g)}, nil
		},
	}
}

// simDiskSize is what a simulated disk's size reads; nothing of the driver looks at it.
const simDiskSize = 100 << 20

// plugger is the way to an ESX host in another process whose disks are to appear in a simulated guest in this one: it
// plugs a disk after its attach and unplugs it after its detach.
//
// A disk's content must follow the volume, whatever the name it is called by: each name asks ESX once, at its first
// attach, for the datastore. What a volume from before this process holds is not known here; it counts as formatted,
// as the host says it was meant to be.
type plugger struct {
	driver.Backend
	guest *guestsim.Guest

	mu    sync.Mutex              // guards what follows; the host is not asked under it
	full  map[string]string       // name as called → volume@datastore
	disks map[string]string       // volume@datastore → disk ID
	at    map[string]driver.Place // disk ID → where it is plugged
	fresh map[string]bool         // volumes created here and not attached since
	made  int                     // disk IDs ever made: a volume created again is another disk
}

func newPlugger(ops driver.Backend, g *guestsim.Guest) *plugger {
	return &plugger{
		Backend: ops,
		guest:   g,
		full:    make(map[string]string),
		disks:   make(map[string]string),
		at:      make(map[string]driver.Place),
		fresh:   make(map[string]bool),
	}
}

// Create makes a volume, with a blank disk at its next attach: the driver attaches a new volume, by whatever name,
// before anyone else can attach a namesake.
func (p *plugger) Create(ctx context.Context, name string, opts map[string]string) error {
	if err := p.Backend.Create(ctx, name, opts); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh[volumePart(name)] = true
	return nil
}

// Attach attaches a volume and plugs its disk.
func (p *plugger) Attach(ctx context.Context, name string) (driver.Place, error) {
	at, err := p.Backend.Attach(ctx, name)
	if err != nil {
		return at, err
	}
	id, format, err := p.disk(ctx, name)
	if err != nil {
		return at, fmt.Errorf("which disk it is: %w", err)
	}
	if done, err := p.plug(id, at); done || err != nil {
		return at, err
	}
	if format == "" {
		return at, nil
	}
	dev, err := p.guest.Disk(ctx, at)
	if err != nil {
		return at, err
	}
	return at, p.guest.Mkfs(ctx, dev, format, "")
}

// plug reports done if the disk was there already: ESX answers a repeated attach with the same place.
func (p *plugger) plug(id string, at driver.Place) (done bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, ok := p.at[id]; ok {
		if old == at {
			return true, nil
		}
		_ = p.guest.Unplug(old)
	}
	for other, place := range p.at { // a detach whose answer was lost
		if place == at {
			delete(p.at, other)
			_ = p.guest.Unplug(at)
		}
	}
	p.at[id] = at
	return false, p.guest.Plug(at, id, simDiskSize)
}

// Detach detaches a volume and unplugs its disk.
func (p *plugger) Detach(ctx context.Context, name string) error {
	p.mu.Lock()
	id := p.disks[p.full[name]]
	at, plugged := p.at[id]
	p.mu.Unlock()
	if err := p.Backend.Detach(ctx, name); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !plugged || p.at[id] != at { // the slot has another disk by now, whose answer was faster
		return nil
	}
	delete(p.at, id)
	return p.guest.Unplug(at)
}

// disk returns the ID of a volume's disk, and the file system that the disk must get to look as it does elsewhere, ""
// if none.
func (p *plugger) disk(ctx context.Context, name string) (id, format string, err error) {
	p.mu.Lock()
	full, known := p.full[name]
	p.mu.Unlock()
	var v wire.Volume
	if !known {
		if v, err = p.Get(ctx, name); err != nil {
			return "", "", err
		}
		full = volumePart(name) + "@" + v.Datastore
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	p.full[name] = full
	fresh := p.fresh[volumePart(name)]
	delete(p.fresh, volumePart(name))
	if id, known = p.disks[full]; known && !fresh {
		return id, "", nil
	}
	p.made++
	id = fmt.Sprintf("%s#%d", full, p.made)
	p.disks[full] = id
	if fresh {
		return id, "", nil
	}
	return id, cmp.Or(v.FSType, "ext4"), nil
}

func volumePart(name string) string {
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		return name[:i]
	}
	return name
}
