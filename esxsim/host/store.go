package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"vmdkvol/esxsim"
)

// store is an esxsim.Store of VMDK files. Processes and stores may share a directory.
type store struct {
	names      []string // of the datastores, sorted
	allocate   func(f *os.File, size int64) error
	datastores map[string]*datastore // the directories of vmgroup _DEFAULT; does not change
	vsan       []string              // datastores that take policies; set before the store is used
	tops       map[string]*os.Root   // dockvols of each datastore; does not change

	dirs   sync.Mutex                   // guards what follows; opening and removing directories is done under it
	groups map[esxsim.Volume]*datastore // the directories of other vmgroups; keys have no name
	gone   map[string]bool              // uuids of vmgroups that were removed, or are about to be
	// retired are directories of them that requests may still use.
	retired []*datastore

	mu      sync.Mutex                 // guards what follows; no I/O under it
	locks   map[esxsim.Volume]diskLock // file locks that VMs of this host hold
	adopted map[esxsim.Volume]string   // VM whose disk a loop device from before us has locked
}

// datastore is the directory of one vmgroup on a datastore.
type datastore struct {
	name string
	root *os.Root        // dockvols/<uuid>
	dir  *os.File        // the same; its flock orders those who make and delete disks, here and in other processes
	raw  syscall.RawConn // of dir
	mu   sync.Mutex
}

func openStore(list []Datastore) (*store, error) {
	s := &store{
		datastores: make(map[string]*datastore),
		allocate:   allocate,
		tops:       make(map[string]*os.Root),
		groups:     make(map[esxsim.Volume]*datastore),
		gone:       make(map[string]bool),
		locks:      make(map[esxsim.Volume]diskLock),
		adopted:    make(map[esxsim.Volume]string),
	}
	for _, d := range list {
		top, ds, err := openDatastore(d)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("datastore %s: %w", d.Name, err)
		}
		s.names = append(s.names, d.Name)
		s.datastores[d.Name], s.tops[d.Name] = ds, top
	}
	slices.Sort(s.names)
	return s, nil
}

// openDatastore makes the layout of docs/original.md §2.5 if it is not there.
func openDatastore(d Datastore) (top *os.Root, ds *datastore, err error) {
	if err := os.MkdirAll(filepath.Join(d.Dir, "dockvols"), 0o700); err != nil {
		return nil, nil, err
	}
	if top, err = os.OpenRoot(filepath.Join(d.Dir, "dockvols")); err != nil {
		return nil, nil, err
	}
	if linkable(top, esxsim.DefaultVmgroup) == nil { // else it stays as it is: only people use it
		err = link(top, esxsim.DefaultVmgroupUUID, esxsim.DefaultVmgroup)
	}
	if err == nil {
		ds, err = openVmgroup(top, d.Name, esxsim.DefaultVmgroupUUID)
	}
	if err != nil {
		top.Close()
	}
	return top, ds, err
}

// openVmgroup opens the directory of a vmgroup, made if need be.
func openVmgroup(top *os.Root, name, uuid string) (*datastore, error) {
	if err := top.MkdirAll(uuid, 0o700); err != nil {
		return nil, err
	}
	ds, err := openDirectory(top, name, uuid)
	if err == nil {
		ds.sweep()
	}
	return ds, err
}

func openDirectory(top *os.Root, name, uuid string) (*datastore, error) {
	root, err := top.OpenRoot(uuid)
	if err != nil {
		return nil, err
	}
	dir, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	raw, err := dir.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, dir.Close(), root.Close())
	}
	return &datastore{name: name, root: root, dir: dir, raw: raw}, nil
}

// close gives all file locks back, except those that loop devices share.
func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v, l := range s.locks {
		l.file.Close()
		delete(s.locks, v)
	}
	for _, ds := range s.datastores {
		ds.close()
	}
	s.dirs.Lock()
	defer s.dirs.Unlock()
	for _, ds := range s.groups {
		ds.close()
	}
	for _, ds := range s.retired {
		ds.close()
	}
	for _, top := range s.tops {
		top.Close()
	}
}

func (ds *datastore) close() {
	ds.dir.Close()
	ds.root.Close()
}

// Datastores implements esxsim.Store.
func (s *store) Datastores(context.Context) ([]string, error) { return s.names, nil }

// List implements esxsim.Store; the names are sorted.
func (s *store) List(_ context.Context, datastore, vmgroup string) ([]string, error) {
	ds, err := s.find(esxsim.Volume{Datastore: datastore, Vmgroup: vmgroup})
	if err != nil {
		return nil, err
	}
	names, err := ds.descriptors()
	if err != nil {
		return nil, fmt.Errorf("list datastore %s: %w", datastore, err)
	}
	return names, nil
}

// find returns the datastore of a volume. The service has checked the name; that it has no slash is checked again here,
// where it would hurt.
func (s *store) find(v esxsim.Volume) (*datastore, error) {
	ds := s.datastores[v.Datastore]
	switch {
	case ds == nil:
		return nil, fmt.Errorf("no datastore %q: %w", v.Datastore, esxsim.ErrNotExist)
	case strings.ContainsAny(v.Name, "/\x00"):
		return nil, fmt.Errorf("no file can be called %q", v.Name)
	case v.Vmgroup == esxsim.DefaultVmgroupUUID:
		return ds, nil
	}
	return s.vmgroup(v.Datastore, v.Vmgroup)
}

// alone runs f while nobody else makes or deletes disks on the datastore.
func (ds *datastore) alone(f func() error) error {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if err := flock(ds.dir, syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock datastore %s: %w", ds.name, err)
	}
	defer flock(ds.dir, syscall.LOCK_UN) //nolint:errcheck // it cannot fail on an open directory
	return f()
}

// storeError puts the kinds of esxsim into an error of the file system.
func storeError(op string, v esxsim.Volume, err error) error {
	kind := error(nil)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		kind = esxsim.ErrNotExist
	case errors.Is(err, fs.ErrExist):
		kind = esxsim.ErrExist
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.EDQUOT):
		kind = esxsim.ErrNoSpace
	case errors.Is(err, syscall.EWOULDBLOCK):
		kind = esxsim.ErrLocked
	}
	if kind != nil {
		err = kind
	}
	return fmt.Errorf("%s disk %s on datastore %s: %w", op, v.Name, v.Datastore, err)
}

// flock is flock(2), repeated when a signal comes.
func flock(f *os.File, how int) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		for {
			if failed = syscall.Flock(int(fd), how); failed != syscall.EINTR {
				return
			}
		}
	})
	return errors.Join(err, failed)
}
