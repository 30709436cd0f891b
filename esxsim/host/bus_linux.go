package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
)

// loopBus is an esxsim.Bus of loop devices.
type loopBus struct {
	store *store
	log   *slog.Logger
	dir   string
	lock  *os.File        // its flock says that dir is ours
	trees map[string]tree // by VM; does not change

	mu      sync.Mutex
	plugged map[esxsim.Volume]loopDevice
	found   map[esxsim.Volume]loopDevice // left by an earlier process, about to be plugged again
}

// openLoopBus makes the directories of the VMs.
func openLoopBus(c Config, s *store) (*loopBus, error) {
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLoop, err)
	}
	if err := os.MkdirAll(c.VMDir, 0o755); err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(c.VMDir) // one mark for all ways to it
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(lock, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", dir, ErrInUse)
		}
		return nil, err
	}
	b := &loopBus{
		store: s, log: c.Log, dir: dir, lock: lock,
		trees:   make(map[string]tree),
		plugged: make(map[esxsim.Volume]loopDevice),
		found:   make(map[esxsim.Volume]loopDevice),
	}
	for _, vm := range c.VMs {
		t := tree{filepath.Join(c.VMDir, vm.Name)}
		if err := t.create(); err != nil {
			lock.Close()
			return nil, err
		}
		b.trees[vm.Name] = t
	}
	return b, nil
}

// close lets others have the directory. Disks stay where they are.
func (b *loopBus) close() error { return b.lock.Close() }

const markPrefix = "vmdkvol:"

// mark is written into the loop devices of a VM; it must fit into 63 bytes.
func (b *loopBus) mark(vm string) string { return b.ours() + short(vm) }
func (b *loopBus) ours() string          { return markPrefix + short(b.dir) + ":" }

func short(s string) string {
	h := sha256.Sum256([]byte(s))
	return fmt.Sprintf("%x", h[:10])
}

// Plug implements esxsim.Bus.
func (b *loopBus) Plug(_ context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	b.mu.Lock()
	device, found := b.found[d.Volume]
	delete(b.found, d.Volume)
	b.mu.Unlock()
	if !found {
		file, err := b.store.data(d.Volume)
		if err != nil {
			return err
		}
		if device, err = plugLoop(file, b.mark(vm)); err != nil {
			b.log.Error("no loop device", "vm", vm, "volume", d.Name, "datastore", d.Datastore, "err", err)
			return err
		}
	}
	if err := b.trees[vm].plug(at, device.path()); err != nil {
		if !found {
			_, cleared := device.clear(b.mark(vm))
			err = errors.Join(err, cleared)
		}
		return err
	}
	b.mu.Lock()
	b.plugged[d.Volume] = device
	b.mu.Unlock()
	b.log.Debug("disk plugged", "vm", vm, "volume", d.Name, "datastore", d.Datastore, "device", device.path())
	return nil
}

// Unplug implements esxsim.Bus. A disk in use leaves the VM's directories, but lives until its last user is gone.
func (b *loopBus) Unplug(_ context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	b.mu.Lock()
	device, plugged := b.plugged[d.Volume]
	b.mu.Unlock()
	if !plugged {
		return fmt.Errorf("disk %s has no device", d.Name)
	}
	if err := b.trees[vm].unplug(at); err != nil {
		return err
	}
	log := b.log.With("vm", vm, "volume", d.Name, "datastore", d.Datastore, "device", device.path())
	var holders []string
	if device.busy() {
		holders = device.holders()
	}
	gone, err := device.clear(b.mark(vm))
	if err != nil {
		return errors.Join(err, b.trees[vm].plug(at, device.path()))
	}
	if !gone {
		log.Warn("disk pulled out while in use; nobody can attach it until its users are gone", "holders", holders)
	} else {
		log.Debug("disk unplugged")
	}
	b.mu.Lock()
	delete(b.plugged, d.Volume)
	b.mu.Unlock()
	return nil
}

// busy reports whether something in the guest holds a plugged disk.
func (b *loopBus) busy(v esxsim.Volume) bool {
	b.mu.Lock()
	device, plugged := b.plugged[v]
	b.mu.Unlock()
	return plugged && device.busy()
}

// orphan is a loop device of an earlier process that had this directory.
type orphan struct {
	device loopDevice
	mark   string
	vm     string // "" if unknown now
	volume esxsim.Volume
	link   string // "" if none
}

// adopt puts the disks that an earlier process left in use into their VMs again, in the order of their places, and takes
// all others out. Nothing else runs yet.
func (b *loopBus) adopt(ctx context.Context, esx *esxsim.Service) error {
	orphans := b.orphans()
	stay := map[string]bool{}
	for _, o := range orphans {
		log := b.log.With("device", o.device.path(), "vm", o.vm,
			"volume", o.volume.Name, "datastore", o.volume.Datastore, "vmgroup", o.volume.Vmgroup)
		switch {
		case !o.device.busy():
			if _, err := o.device.clear(o.mark); err != nil {
				return err
			}
			log.Info("disk of an earlier run taken out")
		case o.vm == "":
			log.Warn("disk of an earlier run is in use, by a VM or volume that is not known here", "holders", o.device.holders())
		default:
			b.store.adopt(o.volume, o.vm)
			b.found[o.volume] = o.device
			p, err := esx.PutIn(ctx, o.vm, o.volume) // by name it could be another vmgroup's
			delete(b.found, o.volume)
			if err != nil {
				b.store.abandon(o.volume)
				log.Warn("disk of an earlier run is in use but cannot be put back", "err", err, "holders", o.device.holders())
				continue
			}
			if link, err := b.trees[o.vm].link(p.At); err == nil {
				stay[link] = true
			}
			log.Info("disk of an earlier run is still in its VM")
		}
	}
	for _, t := range b.trees {
		for link := range t.links() {
			if !stay[link] {
				if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
	}
	return nil
}

// orphans finds them, sorted by VM and link.
func (b *loopBus) orphans() []orphan {
	var list []orphan
	for _, device := range usedLoops() {
		state, err := device.state()
		if err != nil || !strings.HasPrefix(state.mark, b.ours()) {
			continue
		}
		o := orphan{device: device, mark: state.mark}
		volume, known := b.store.volumeOf(device.backingFile(), state.device, state.inode)
		for vm, t := range b.trees {
			if b.mark(vm) != state.mark || !known {
				continue
			}
			o.vm, o.volume = vm, volume
			for link, disk := range t.links() {
				if disk == device.path() {
					o.link = link
				}
			}
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b orphan) int {
		if c := strings.Compare(a.vm, b.vm); c != 0 {
			return c
		}
		if c := len(a.link) - len(b.link); c != 0 { // unit 10 comes after unit 9
			return c
		}
		return strings.Compare(a.link, b.link)
	})
	return list
}
