package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"vmdkvol/esxsim"
)

// vmgroupDir is what the directory of a vmgroup is called: its uuid.
var vmgroupDir = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

var _ esxsim.Directories = (*store)(nil)

// vmgroup returns the directory of a vmgroup, made if need be (docs/original.md §2.2 (10)).
func (s *store) vmgroup(name, uuid string) (*datastore, error) {
	if !vmgroupDir.MatchString(uuid) {
		return nil, fmt.Errorf("no vmgroup %q: %w", uuid, esxsim.ErrNotExist)
	}
	s.dirs.Lock()
	defer s.dirs.Unlock()
	key := esxsim.Volume{Datastore: name, Vmgroup: uuid}
	switch ds := s.groups[key]; {
	case s.gone[uuid]: // the request had its vmgroup before
		return nil, fmt.Errorf("vmgroup %s is removed: %w", uuid, esxsim.ErrNotExist)
	case ds != nil:
		return ds, nil
	}
	ds, err := openVmgroup(s.tops[name], name, uuid)
	if err != nil {
		return nil, fmt.Errorf("vmgroup %s on datastore %s: %w", uuid, name, err)
	}
	s.groups[key] = ds
	return ds, nil
}

// Vmgroups implements esxsim.Directories.
func (s *store) Vmgroups(_ context.Context, datastore string) ([]string, error) {
	top := s.tops[datastore]
	if top == nil {
		return nil, fmt.Errorf("no datastore %q: %w", datastore, esxsim.ErrNotExist)
	}
	files, err := fs.ReadDir(top.FS(), ".") // sorted
	if err != nil {
		return nil, fmt.Errorf("list datastore %s: %w", datastore, err)
	}
	var uuids []string
	for _, f := range files {
		if f.IsDir() && vmgroupDir.MatchString(f.Name()) {
			uuids = append(uuids, f.Name())
		}
	}
	return uuids, nil
}

// NameVmgroup implements esxsim.Directories. The name is that of a symlink to the directory; the store itself does not go
// through it.
func (s *store) NameVmgroup(_ context.Context, uuid, old, now string) error {
	if now == "" {
		if err := s.removeVmgroup(uuid); err != nil {
			return err
		}
	} else {
		for _, name := range s.names {
			if err := linkable(s.tops[name], now); err != nil {
				return fmt.Errorf("datastore %s %w", name, err)
			}
		}
	}
	for _, name := range s.names {
		top := s.tops[name]
		if old != "" {
			if to, err := top.Readlink(old); err == nil && to == uuid {
				if err := top.Remove(old); err != nil {
					return err
				}
			}
		}
		if now == "" {
			continue
		}
		if _, err := s.find(esxsim.Volume{Datastore: name, Vmgroup: uuid}); err != nil {
			return err
		}
		if err := link(top, uuid, now); err != nil {
			return err
		}
	}
	return nil
}

// linkable fails if there is something with a name that is no link to a vmgroup's directory.
func linkable(top *os.Root, name string) error {
	_, err := top.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if to, err := top.Readlink(name); err == nil && vmgroupDir.MatchString(to) {
		return nil
	}
	return fmt.Errorf("has something else called %q", name)
}

// link names a directory; a link of that name which leads to another one is a vmgroup's that is gone.
func link(top *os.Root, uuid, name string) error {
	if err := linkable(top, name); err != nil {
		return err
	}
	if to, err := top.Readlink(name); err == nil && to != uuid {
		if err := top.Remove(name); err != nil {
			return err
		}
	}
	if err := top.Symlink(uuid, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
