package esxsim

import (
	"context"
	"errors"
)

// The errors of a [Store]. An implementation wraps them; the service asks with errors.Is.
var (
	ErrExist    = errors.New("file exists")
	ErrNotExist = errors.New("file does not exist")
	ErrLocked   = errors.New("file is locked")
	ErrNoSpace  = errors.New("no space left on datastore")
	ErrNotEmpty = errors.New("the vmgroup has a volume") // only of Directories
)

// Volume says which volume is meant. Its parts have passed the service's checks: Datastore is one of
// [Store.Datastores], Vmgroup is the group's uuid (the name of its directory) and Name holds no slash, backslash or
// NUL, but it may be empty, "..", or anything else.
type Volume struct {
	Name      string // first, because two volumes are compared in this order, and this is what most differ in
	Vmgroup   string
	Datastore string
}

// is is ==. To compare field by field, what differs most often first, costs less than to call what == would.
func (v *Volume) is(o *Volume) bool {
	return v.Name == o.Name && v.Vmgroup == o.Vmgroup && v.Datastore == o.Datastore
}

// Snapshots is what a [Store] can do besides if its disks have snapshots.
type Snapshots interface {
	// Deltas returns the names of the descriptors of snapshots in a vmgroup's directory, such as "data-000001", in
	// the order of their last change. It does not yield.
	Deltas(ctx context.Context, datastore, vmgroup string) []string
}

// Copying is what a [Store] can do besides if a clone can be seen in the making. Without it, a clone is one instant, see
// [Store.CloneDisk].
type Copying interface {
	// BeginCopy makes the disk of a clone, all zeros and without a sidecar. Until EndCopy nobody can lock or delete it, or
	// its source, which others may copy, too. Errors are those of CloneDisk.
	BeginCopy(ctx context.Context, from, to Volume, format Format) (Disk, error)
	// EndCopy gives both free; the disk has the contents of its source from now on if the copy is complete.
	EndCopy(from, to Volume, complete bool)
}

// Disk is a virtual disk that exists.
type Disk struct {
	Volume
	ID        string // new for every creation: a volume removed and created again has another one
	Size      int64  // bytes, a multiple of 1024
	Allocated int64  // bytes in use on the datastore
	Format    Format
}

// Format says when the space of a disk is allocated.
type Format string

// The formats that option diskformat takes.
const (
	Thin             Format = "thin"
	ZeroedThick      Format = "zeroedthick"
	EagerZeroedThick Format = "eagerzeroedthick"
)

// Store is the datastores: virtual disks, the metadata sidecar beside each, and the file lock of the storage, which is
// what keeps two VMs off one disk. Several services, each one an ESX host, may share a Store. A disk and its sidecar
// are separate on purpose, so that a crash can come between them.
//
// Methods are safe for concurrent use, and each takes effect at one instant; they do not yield to a
// schedule explorer (the service does that before it calls).
type Store interface {
	// Datastores returns the names of the datastores, sorted, in their real spelling. The caller does not
	// change the slice.
	Datastores(ctx context.Context) ([]string, error)
	// List returns the names of the vmgroup's volumes on a datastore, in any order that is the same every time.
	List(ctx context.Context, datastore, vmgroup string) ([]string, error)

	// CreateDisk makes a disk of size bytes (> 0), all zeros. ErrExist, ErrNoSpace.
	CreateDisk(ctx context.Context, v Volume, size int64, format Format) (Disk, error)
	// CloneDisk copies a disk, its contents and its sidecar, if it has one. The format is that of the copy.
	// ErrNotExist, ErrLocked if a VM has locked the source, ErrExist, ErrNoSpace.
	CloneDisk(ctx context.Context, from, to Volume, format Format) (Disk, error)
	// StatDisk describes a disk. ErrNotExist.
	StatDisk(ctx context.Context, v Volume) (Disk, error)
	// DeleteDisk deletes a disk that nobody has locked. ErrNotExist, ErrLocked. The sidecar stays.
	DeleteDisk(ctx context.Context, v Volume) error

	// ReadMeta returns the text of the sidecar, without padding. ErrNotExist. Nobody changes it, the store neither, whatever
	// becomes of the sidecar: a [Memo] knows a text again by where it is.
	ReadMeta(ctx context.Context, v Volume) ([]byte, error)
	// WriteMeta creates or replaces the sidecar. Nobody changes text; the store may keep it.
	WriteMeta(ctx context.Context, v Volume, text []byte) error
	// DeleteMeta deletes the sidecar. ErrNotExist.
	DeleteMeta(ctx context.Context, v Volume) error

	// LockDisk takes the file lock of a disk for a running VM (by its [VM.ID]) and returns the disk. It succeeds
	// if that VM holds the lock already. ErrNotExist, ErrLocked.
	LockDisk(ctx context.Context, v Volume, vm string) (Disk, error)
	// UnlockDisk gives the lock back; it does nothing if that VM does not hold it.
	UnlockDisk(ctx context.Context, v Volume, vm string) error
}
