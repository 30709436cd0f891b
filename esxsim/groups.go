package esxsim

import (
	"context"
	"errors"
	"fmt"
)

// Names of datastores that stand for others (docs/original.md §2.4).
const (
	HomeDatastore = "_VM_DS"  // the home datastore of the calling VM
	AllDatastores = "_ALL_DS" // every one; only in privileges
)

// Vmgroup is a set of VMs with volumes of their own (docs/original.md §2.12).
type Vmgroup struct {
	UUID        string // name of its directories; never changes
	Name        string
	Description string
	// DefaultDatastore is where short names of volumes are: a name or [HomeDatastore]; "" if it is not set.
	DefaultDatastore string
}

// Privilege is what a vmgroup may do on a datastore. A row that exists allows get, attach and detach.
type Privilege struct {
	Datastore string // a name, [HomeDatastore] or [AllDatastores]
	Create    bool   // and remove
	MaxSize   int64  // MB of one volume; 0: no limit
	Quota     int64  // MB of all its volumes there; 0: no limit
}

// ErrQuota is in the error of [Authority.Charge] if the limit would be exceeded.
var ErrQuota = errors.New("the usage quota is exceeded")

// DBError is a config database that cannot be asked. Its text goes to clients as it is (docs/original.md §2.12).
type DBError struct {
	Path string
	Err  error // nil: it cannot be opened
}

func (e *DBError) Error() string {
	if e.Err == nil {
		return "DB connection error at " + e.Path
	}
	return fmt.Sprintf("DB access error at %s: %v", e.Path, e.Err)
}

func (e *DBError) Unwrap() error { return e.Err }

// Authority is the config database as the service asks it. Every error but [ErrQuota] is a [DBError]. Methods are safe for
// concurrent use, each is a transaction of its own, and none yields. [MemConfig] is one in memory.
type Authority interface {
	// Configured reports whether there is a database. Without one everybody is in _DEFAULT and may do everything.
	Configured(ctx context.Context) (bool, error)
	// GroupOf returns the vmgroup of the VM with that BIOS uuid, which is _DEFAULT if it is in none; false if there is no
	// _DEFAULT either.
	GroupOf(ctx context.Context, bios string) (Vmgroup, bool, error)
	// Group returns the vmgroup with that uuid, if there is one.
	Group(ctx context.Context, uuid string) (Vmgroup, bool, error)
	// Privilege returns the row of a vmgroup for exactly that datastore, if there is one.
	Privilege(ctx context.Context, uuid, datastore string) (Privilege, bool, error)
	// Used returns how many MB of a datastore are charged to a vmgroup.
	Used(ctx context.Context, uuid, datastore string) (int64, error)
	// Charge notes that a volume of so many MB is the vmgroup's. If limit is not 0 and all its volumes there would then
	// have more, it does nothing and returns ErrQuota.
	Charge(ctx context.Context, v Volume, size, limit int64) error
	// Discharge takes that note away, if there is one.
	Discharge(ctx context.Context, v Volume) error
}

// group is the vmgroup of the caller of one request.
type group struct {
	Vmgroup
	db    Authority // nil: not configured
	files Store     // the datastores, through the paths of the vmgroup
	locks string    // the vmgroup in the names of locks

	quota   int64 // of the privilege that allows a create
	charged bool  // before the volume was made
}

// lost reports whether the paths of a request lead nowhere any more: they have the name of the vmgroup in them
// (docs/original.md D29).
func (g *group) lost(ctx context.Context) bool {
	paths, ok := g.files.(namedPaths)
	return ok && paths.lost(ctx)
}

// groupOf returns the caller's vmgroup, or what is wrong (docs/original.md §2.2, §2.12).
func (s *Service) groupOf(ctx context.Context, m *machine) (g *group, fault string) {
	if s.cfg.Groups == nil { // on the way of every step that an explorer takes
		return &s.everyone, ""
	}
	s.env.Touch(configLabel, false)
	configured, err := s.cfg.Groups.Configured(ctx)
	switch {
	case err != nil:
		return nil, err.Error()
	case !configured:
		return &s.everyone, ""
	}
	found, ok, err := s.cfg.Groups.GroupOf(ctx, m.BIOSUUID)
	switch {
	case err != nil:
		return nil, err.Error()
	case !ok:
		return nil, "VM " + m.Name + " does not belong to any vmgroup"
	case found.DefaultDatastore == "":
		return nil, "Default datastore is not set for vmgroup " + found.Name
	}
	g = &group{Vmgroup: found, db: s.cfg.Groups, files: s.store, locks: found.Name}
	switch {
	case found.UUID == DefaultVmgroupUUID: // which cannot be renamed
	case s.quirk.has(vmgroupByName):
		paths := namedPaths{Store: s.store, db: g.db, group: found}
		if r, ok := s.store.(Renames); ok {
			paths.renames, paths.named = r, r.Named(found.UUID)
		}
		g.files = paths
	default:
		g.locks = found.UUID
	}
	return g, ""
}

// configLabel is the footprint of the config database.
const configLabel = "config"

// namedPaths is a Store through the symlinks that are called as the vmgroup was when the request came. After a rename
// there are none.
type namedPaths struct {
	Store
	db      Authority
	group   Vmgroup
	renames Renames // nil: ask the database
	named   int     // when the request came
}

func (p namedPaths) lost(ctx context.Context) bool {
	if p.renames != nil {
		return p.renames.Named(p.group.UUID) != p.named
	}
	now, ok, err := p.db.Group(ctx, p.group.UUID)
	return err == nil && ok && now.Name != p.group.Name
}

func (p namedPaths) follow(ctx context.Context, op string, v Volume) error {
	if p.lost(ctx) {
		return memError(op, v, ErrNotExist)
	}
	return nil
}

// CreateDisk implements [Store].
func (p namedPaths) CreateDisk(ctx context.Context, v Volume, size int64, format Format) (Disk, error) {
	if err := p.follow(ctx, "create", v); err != nil {
		return Disk{}, err
	}
	return p.Store.CreateDisk(ctx, v, size, format)
}

// CloneDisk implements [Store].
func (p namedPaths) CloneDisk(ctx context.Context, from, to Volume, format Format) (Disk, error) {
	if err := p.follow(ctx, "clone", from); err != nil {
		return Disk{}, err
	}
	return p.Store.CloneDisk(ctx, from, to, format)
}

// StatDisk implements [Store].
func (p namedPaths) StatDisk(ctx context.Context, v Volume) (Disk, error) {
	if err := p.follow(ctx, "stat", v); err != nil {
		return Disk{}, err
	}
	return p.Store.StatDisk(ctx, v)
}

// DeleteDisk implements [Store].
func (p namedPaths) DeleteDisk(ctx context.Context, v Volume) error {
	if err := p.follow(ctx, "delete", v); err != nil {
		return err
	}
	return p.Store.DeleteDisk(ctx, v)
}

// ReadMeta implements [Store].
func (p namedPaths) ReadMeta(ctx context.Context, v Volume) ([]byte, error) {
	if err := p.follow(ctx, "read", v); err != nil {
		return nil, err
	}
	return p.Store.ReadMeta(ctx, v)
}

// WriteMeta implements [Store].
func (p namedPaths) WriteMeta(ctx context.Context, v Volume, text []byte) error {
	if err := p.follow(ctx, "write", v); err != nil {
		return err
	}
	return p.Store.WriteMeta(ctx, v, text)
}

// DeleteMeta implements [Store].
func (p namedPaths) DeleteMeta(ctx context.Context, v Volume) error {
	if err := p.follow(ctx, "delete", v); err != nil {
		return err
	}
	return p.Store.DeleteMeta(ctx, v)
}

// LockDisk implements [Store].
func (p namedPaths) LockDisk(ctx context.Context, v Volume, vm string) (Disk, error) {
	if err := p.follow(ctx, "lock", v); err != nil {
		return Disk{}, err
	}
	return p.Store.LockDisk(ctx, v, vm)
}
