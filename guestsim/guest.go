package guestsim

import (
	"path"
	"slices"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
)

// Config of a Guest.
type Config struct {
	Env   seam.Env
	Stage seam.Stage
	Media *Media // nil: its own, guarded by Env
	// Filesystems that Mkfs can make. Nil means btrfs, ext4 and xfs.
	Filesystems []string
	// Listed says that Below is going to be asked, so that every mount and unmount declares that it changes the table.
	Listed bool
	// Violation hears of every mistake that a real kernel would let pass. It runs in the task that made the
	// mistake, before the method returns, and must not yield. Nil: nobody listens.
	Violation func(oracle, detail string)
	// Changed, if set, is made true whenever Version changes.
	Changed *bool
}

// The oracles that speak through Config.Violation.
const (
	OracleMkfsOnData      = "mkfs-on-data"         // Mkfs on a disk that is not blank
	OracleMkfsOnMounted   = "mkfs-on-mounted"      // Mkfs on a disk that is mounted
	OracleSurpriseRemoval = "surprise-removal"     // Unplug of a disk that is mounted or being formatted
	OracleMountOverMount  = "mount-over-mount"     // Mount where something else is mounted
	OracleModes           = "two-access-modes"     // Mount of a mounted disk with the other access mode
	OracleTwoGuests       = "disk-in-two-guests"   // Mount, one of them writing, in two guests at once
	OracleTwoOwners       = "disk-with-two-owners" // Plug of a disk that is plugged in elsewhere
)

// Guest is one simulated guest. Its methods are safe for concurrent use, on the terms of its Media.
type Guest struct {
	cfg     Config
	usual   []string // what Config.Filesystems is if it is nil
	media   *Media
	arrival seam.Monitor // Disk waits here; made by the first wait. Taken before media's lock, never after.

	// guarded by media's lock
	places  []*place
	mounts  []mounted                    // in order of mounting; the last one at a mountpoint is on top
	bare    map[string]map[string]string // files below mountpoints when nothing is mounted there
	waiting int                          // tasks in Disk that need a Wake
	version uint64

	spare []*place // of the guest's life before its last reset
}

// place is a slot of a controller, used or not.
type place struct {
	at   wire.Device
	path string

	diskID string // "" if nothing is plugged
	size   int64
	medium *medium
	lost   bool // plugged, but the guest did not notice
	busy   int  // mkfs in progress
	turn   int  // counts plugs, so that a mkfs knows that its disk is still there
}

// mounted is one mount.
type mounted struct {
	mountpoint string
	disk       string
	diskID     string
	medium     *medium
	fstype     string
	readOnly   bool
	removed    bool // the disk was unplugged under it
}

// New returns a guest without disks. It starts nothing.
func New(cfg Config) *Guest {
	g := &Guest{}
	g.Reset(cfg)
	return g
}

// Reset makes g what [New] makes of cfg, in memory that g has already: an explorer makes one guest after another. Nobody may
// use what g was before.
func (g *Guest) Reset(cfg Config) {
	if cfg.Media == nil {
		cfg.Media = NewMedia(cfg.Env)
	}
	if !slices.IsSorted(cfg.Filesystems) {
		cfg.Filesystems = slices.Clone(cfg.Filesystems)
		slices.Sort(cfg.Filesystems)
	}
	if cfg.Filesystems == nil {
		if g.usual == nil {
			g.usual = []string{"btrfs", "ext4", "xfs"}
		}
		cfg.Filesystems = g.usual
	}
	*g = Guest{
		cfg: cfg, usual: g.usual, media: cfg.Media, places: g.places[:0], mounts: g.mounts[:0], spare: append(g.spare, g.places...),
	}
}

// place finds the slot by what the guest can see of it: bus and unit (docs/original.md §3.6). It creates the slot.
func (g *Guest) place(at wire.Device) *place {
	for _, p := range g.places {
		if p.at.Unit == at.Unit && p.at.ControllerPciBusNumber == at.ControllerPciBusNumber {
			return p
		}
	}
	p := g.earlier(at)
	if p == nil {
		p = &place{at: at, path: "/dev/sd-" + at.ControllerPciBusNumber + "-" + at.Unit}
	}
	g.places = append(g.places, p)
	return p
}

// earlier takes the slot that an earlier life of the guest had there, empty; nil if it had none.
func (g *Guest) earlier(at wire.Device) *place {
	for i, p := range g.spare {
		if p.at == at {
			last := len(g.spare) - 1
			g.spare[i] = g.spare[last]
			g.spare = g.spare[:last]
			*p = place{at: p.at, path: p.path}
			return p
		}
	}
	return nil
}

// device finds the slot behind a device path; nil if the guest sees no disk there.
func (g *Guest) device(disk string) *place {
	for _, p := range g.places {
		if p.path == disk && p.diskID != "" && !p.lost {
			return p
		}
	}
	return nil
}

// top returns the index of the mount that is seen at a mountpoint, -1 if none.
func (g *Guest) top(mountpoint string) int {
	for i := len(g.mounts) - 1; i >= 0; i-- {
		if g.mounts[i].mountpoint == mountpoint {
			return i
		}
	}
	return -1
}

// violation notes a mistake; media's unlock reports it.
func (g *Guest) violation(oracle, detail string) {
	if g.cfg.Violation != nil {
		g.media.found = append(g.media.found, finding{g.cfg.Violation, oracle, detail})
	}
}

// before yields and says which fault comes.
func (g *Guest) before(op, object string, faults []string) int {
	g.cfg.Stage.Before(op, object)
	return g.cfg.Stage.Choose(op, object, faults...)
}

// object names a mountpoint in schedules.
func object(mountpoint string) string { return path.Base(mountpoint) }
