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

	mu    guard
	disks map[Volume]memDisk
	metas map[Volume][]byte
	made  int // disks ever created; gives them their IDs
}

type memDisk struct {
	Disk
	owner string // VM with the file lock, "" if none
}

// NewMemStore makes empty datastores with the given names. Serial is as in [Config].
func NewMemStore(env seam.Env, serial bool, datastores ...string) *MemStore {
	datastores = slices.Clone(datastores)
	slices.Sort(datastores)
	return &MemStore{
		datastores: datastores, capacity: math.MaxInt64,
		mu:    newGuard(env, serial, "esx.store"),
		disks: make(map[Volume]memDisk),
		metas: make(map[Volume][]byte),
	}
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
	for v := range s.disks {
		if v.Datastore == datastore && v.Vmgroup == vmgroup {
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
	if !slices.Contains(s.datastores, v.Datastore) {
		return Disk{}, memError("create", v, ErrNotExist)
	}
	if _, ok := s.disks[v]; ok {
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
	s.disks[v] = memDisk{Disk: d}
	return d, nil
}

// StatDisk implements [Store].
func (s *MemStore) StatDisk(_ context.Context, v Volume) (Disk, error) {
	s.mu.lock()
	defer s.mu.unlock()
	d, ok := s.disks[v]
	if !ok {
		return Disk{}, ErrNotExist
	}
	return d.Disk, nil
}

// DeleteDisk implements [Store].
func (s *MemStore) DeleteDisk(_ context.Context, v Volume) error {
	s.mu.lock()
	defer s.mu.unlock()
	d, ok := s.disks[v]
	switch {
	case !ok:
		return ErrNotExist
	case d.owner != "":
		return memError("delete", v, ErrLocked)
	}
	delete(s.disks, v)
	return nil
}

// ReadMeta implements [Store].
func (s *MemStore) ReadMeta(_ context.Context, v Volume) ([]byte, error) {
	s.mu.lock()
	defer s.mu.unlock()
	text, ok := s.metas[v]
	if !ok {
		return nil, ErrNotExist
	}
	return text, nil
}

// WriteMeta implements [Store].
func (s *MemStore) WriteMeta(_ context.Context, v Volume, text []byte) error {
	s.mu.lock()
	defer s.mu.unlock()
	s.metas[v] = text
	return nil
}

// DeleteMeta implements [Store].
func (s *MemStore) DeleteMeta(_ context.Context, v Volume) error {
	s.mu.lock()
	defer s.mu.unlock()
	if _, ok := s.metas[v]; !ok {
		return ErrNotExist
	}
	delete(s.metas, v)
	return nil
}

// LockDisk implements [Store].
func (s *MemStore) LockDisk(_ context.Context, v Volume, vm string) (Disk, error) {
	s.mu.lock()
	defer s.mu.unlock()
	d, ok := s.disks[v]
	switch {
	case !ok:
		return Disk{}, memError("lock", v, ErrNotExist)
	case d.owner != "" && d.owner != vm:
		return Disk{}, memError("lock", v, ErrLocked)
	}
	d.owner = vm
	s.disks[v] = d
	return d.Disk, nil
}

// UnlockDisk implements [Store].
func (s *MemStore) UnlockDisk(_ context.Context, v Volume, vm string) error {
	s.mu.lock()
	defer s.mu.unlock()
	if d, ok := s.disks[v]; ok && d.owner == vm {
		d.owner = ""
		s.disks[v] = d
	}
	return nil
}

// AttachedTo returns the VM that holds the file lock of a volume of vmgroup _DEFAULT. It is for oracles: call it while
// nothing runs, or from the scheduler.
func (s *MemStore) AttachedTo(datastore, vol string) (vm string, ok bool) {
	s.mu.lock()
	defer s.mu.unlock()
	vm = s.disks[Volume{datastore, DefaultVmgroupUUID, vol}].owner
	return vm, vm != ""
}

// Disks returns all disks, by datastore and name. It is for oracles.
func (s *MemStore) Disks() []Disk {
	s.mu.lock()
	defer s.mu.unlock()
	list := make([]Disk, 0, len(s.disks))
	for _, d := range s.disks {
		list = append(list, d.Disk)
	}
	slices.SortFunc(list, func(a, b Disk) int {
		if c := strings.Compare(a.Datastore, b.Datastore); c != 0 {
			return c
		}
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Vmgroup, b.Vmgroup)
	})
	return list
}

// Meta returns the metadata of a volume of vmgroup _DEFAULT; ok is false if it has none that can be read. It is for
// oracles.
func (s *MemStore) Meta(datastore, vol string) (meta Meta, ok bool) {
	s.mu.lock()
	defer s.mu.unlock()
	meta, err := DecodeMeta(s.metas[Volume{datastore, DefaultVmgroupUUID, vol}])
	return meta, err == nil
}

func memError(op string, v Volume, err error) error {
	return fmt.Errorf("%s disk %s on datastore %s: %w", op, v.Name, v.Datastore, err)
}
