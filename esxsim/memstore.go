package esxsim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vmdkvol/seam"
)

// MemStore is a [Store] in memory. It never fails for reasons of its own; contexts do not matter to it.
type MemStore struct {
	datastores []string
	capacity   int64

	mu     guard
	files  fileTable
	made   int // disks ever created; gives them their IDs
	flats  int // disks whose descriptor has the name of the data file of another one, should that be made
	copied func(from, to Disk)
	named  map[string]int // how often the directories of a vmgroup got a name
	deltas []Volume       // snapshots in the order of their last change

	room kept[memFiles]
}

// memFiles is what a datastore has of a volume: a disk, a sidecar, or both. One that has neither is forgotten.
type memFiles struct {
	volume  Volume
	disk    Disk
	hasDisk bool
	owner   string // VM with the disk's file lock, "" if none
	readers int    // copies that are made of the disk
	partial bool   // the disk is a copy that is not done
	meta    []byte // of the sidecar; nil if there is none
}

// at returns the files of a volume; what is not there yet is made.
func (s *MemStore) at(v *Volume) *memFiles {
	f := s.files.find(v)
	if f == nil {
		f = s.room.next()
		*f = memFiles{volume: *v}
		s.files.add(f)
	}
	return f
}

// disk returns the files of a volume that has a disk, nil if it has none.
func (s *MemStore) disk(v *Volume) *memFiles {
	if f := s.files.find(v); f != nil && f.hasDisk {
		return f
	}
	return nil
}

func (s *MemStore) forget(f *memFiles) {
	if !f.hasDisk && f.meta == nil {
		s.files.remove(f)
	}
}

// NewMemStore makes empty datastores with the given names. Serial is as in [Config].
func NewMemStore(env seam.Env, serial bool, datastores ...string) *MemStore {
	s := &MemStore{}
	s.Reset(env, serial, datastores...)
	return s
}

// Reset makes s what [NewMemStore] makes, in memory that s has already. Nobody may use what s was before.
func (s *MemStore) Reset(env seam.Env, serial bool, datastores ...string) {
	s.room.used = 0
	*s = MemStore{
		datastores: append(s.datastores[:0], datastores...), capacity: math.MaxInt64,
		mu:    newGuard(env, serial, "esx.store"),
		files: s.files.renewed(),
		room:  s.room,
	}
	slices.Sort(s.datastores)
}

// SetCapacity sets the size in bytes of each datastore, beyond which no single disk can grow: space is thin, so the
// disks together may have more. Call it before the store is used.
func (s *MemStore) SetCapacity(size int64) { s.capacity = size }

// Datastores implements [Store].
func (s *MemStore) Datastores(context.Context) ([]string, error) { return s.datastores, nil }

// List implements [Store]; the names are sorted.
func (s *MemStore) List(_ context.Context, datastore, vmgroup string) ([]string, error) {
	s.mu.lock()
	defer s.mu.unlock()
	var names []string
	for _, f := range s.files.all {
		v := &f.volume
		if f.hasDisk && v.Datastore == datastore && v.Vmgroup == vmgroup {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// CreateDisk implements [Store].
func (s *MemStore) CreateDisk(_ context.Context, v Volume, size int64, format Format) (Disk, error) {
	s.mu.lock()
	defer s.mu.unlock()
	return s.create(v, size, format)
}

func (s *MemStore) create(v Volume, size int64, format Format) (Disk, error) {
	if !slices.Contains(s.datastores, v.Datastore) {
		return Disk{}, memError("create", v, ErrNotExist)
	}
	if s.disk(&v) != nil || s.flats > 0 && s.inTheWay(v) {
		return Disk{}, memError("create", v, ErrExist)
	}
	if size > s.capacity {
		return Disk{}, memError("create", v, ErrNoSpace)
	}
	s.made++
	d := Disk{Volume: v, ID: strconv.Itoa(s.made), Size: size, Format: format}
	if format != Thin {
		d.Allocated = size
	}
	f := s.at(&v)
	f.disk, f.hasDisk = d, true
	if _, flat := baseOfData(v); flat {
		s.flats++
	}
	return d, nil
}

// inTheWay reports whether the descriptor of another disk has the name of v's data file (docs/original.md D20).
func (s *MemStore) inTheWay(v Volume) bool {
	v.Name += "-flat"
	return s.disk(&v) != nil
}

// StatDisk implements [Store].
func (s *MemStore) StatDisk(_ context.Context, v Volume) (Disk, error) {
	s.mu.lock() // without a defer, here and where oracles ask: it costs as much as the rest
	f := s.disk(&v)
	if f == nil {
		s.mu.unlock()
		return Disk{}, ErrNotExist
	}
	disk := f.disk
	s.mu.unlock()
	return disk, nil
}

// DeleteDisk implements [Store].
func (s *MemStore) DeleteDisk(_ context.Context, v Volume) error {
	s.mu.lock()
	defer s.mu.unlock()
	f := s.disk(&v)
	switch {
	case f == nil:
		return ErrNotExist
	case f.locked():
		return memError("delete", v, ErrLocked)
	}
	f.disk, f.hasDisk = Disk{}, false
	if _, flat := baseOfData(v); flat {
		s.flats--
	}
	s.forget(f)
	return nil
}

// ReadMeta implements [Store].
func (s *MemStore) ReadMeta(_ context.Context, v Volume) ([]byte, error) {
	s.mu.lock()
	var text []byte
	if f := s.files.find(&v); f != nil {
		text = f.meta
	}
	s.mu.unlock()
	if text == nil {
		return nil, ErrNotExist
	}
	return text, nil
}

// WriteMeta implements [Store].
func (s *MemStore) WriteMeta(_ context.Context, v Volume, text []byte) error {
	s.mu.lock()
	defer s.mu.unlock()
	if text == nil {
		text = []byte{} // an empty sidecar is one
	}
	s.at(&v).meta = text
	return nil
}

// DeleteMeta implements [Store].
func (s *MemStore) DeleteMeta(_ context.Context, v Volume) error {
	s.mu.lock()
	defer s.mu.unlock()
	f := s.files.find(&v)
	if f == nil || f.meta == nil {
		return ErrNotExist
	}
	f.meta = nil
	s.forget(f)
	return nil
}

// LockDisk implements [Store].
func (s *MemStore) LockDisk(_ context.Context, v Volume, vm string) (Disk, error) {
	s.mu.lock()
	defer s.mu.unlock()
	f := s.disk(&v)
	switch {
	case f == nil:
		return Disk{}, memError("lock", v, ErrNotExist)
	case f.owner != vm && f.locked():
		return Disk{}, memError("lock", v, ErrLocked)
	}
	f.owner = vm
	return f.disk, nil
}

// UnlockDisk implements [Store].
func (s *MemStore) UnlockDisk(_ context.Context, v Volume, vm string) error {
	s.mu.lock()
	defer s.mu.unlock()
	if f := s.disk(&v); f != nil && f.owner == vm {
		f.owner = ""
	}
	return nil
}

// AttachedTo returns the VM that holds the file lock of a volume of vmgroup _DEFAULT. It is for oracles: call it while
// nothing runs, or from the scheduler.
func (s *MemStore) AttachedTo(datastore, vol string) (vm string, ok bool) {
	s.mu.lock()
	if f := s.disk(&Volume{Name: vol, Vmgroup: DefaultVmgroupUUID, Datastore: datastore}); f != nil {
		vm = f.owner
	}
	s.mu.unlock()
	return vm, vm != ""
}

// Disks returns all disks, by datastore and name. It is for oracles.
func (s *MemStore) Disks() []Disk { return s.AppendDisks(nil) }

// AppendDisks appends what Disks returns.
func (s *MemStore) AppendDisks(to []Disk) []Disk {
	s.mu.lock()
	defer s.mu.unlock()
	start := len(to)
	for _, f := range s.files.all {
		if f.hasDisk {
			to = append(to, f.disk)
		}
	}
	slices.SortFunc(to[start:], func(a, b Disk) int {
		if c := strings.Compare(a.Datastore, b.Datastore); c != 0 {
			return c
		}
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Vmgroup, b.Vmgroup)
	})
	return to
}

// Meta returns the metadata of a volume of vmgroup _DEFAULT; ok is false if it has none that can be read. It is for
// oracles.
func (s *MemStore) Meta(datastore, vol string) (meta Meta, ok bool) {
	s.mu.lock()
	defer s.mu.unlock()
	f := s.files.find(&Volume{Name: vol, Vmgroup: DefaultVmgroupUUID, Datastore: datastore})
	if f == nil {
		return Meta{}, false
	}
	meta, err := DecodeMeta(f.meta)
	return meta, err == nil
}

func memError(op string, v Volume, err error) error {
	return fmt.Errorf("%s disk %s on datastore %s: %w", op, v.Name, v.Datastore, err)
}

// Vmgroups implements [Directories]: those that have volumes.
func (s *MemStore) Vmgroups(_ context.Context, datastore string) ([]string, error) {
	s.mu.lock()
	defer s.mu.unlock()
	var uuids []string
	for _, f := range s.files.all {
		v := &f.volume
		if f.hasDisk && v.Datastore == datastore && !slices.Contains(uuids, v.Vmgroup) {
			uuids = append(uuids, v.Vmgroup)
		}
	}
	slices.Sort(uuids)
	return uuids, nil
}

// NameVmgroup implements [Directories]: there are no directories, but whoever knows the old name is lost.
func (s *MemStore) NameVmgroup(_ context.Context, uuid, _, _ string) error {
	s.mu.lock()
	defer s.mu.unlock()
	if s.named == nil {
		s.named = make(map[string]int)
	}
	s.named[uuid]++
	return nil
}

// Named implements [Renames].
func (s *MemStore) Named(uuid string) int {
	s.mu.lock()
	defer s.mu.unlock()
	return s.named[uuid]
}
