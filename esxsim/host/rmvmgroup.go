package host

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"vmdkvol/esxsim"
)

// removeVmgroup removes the directories of a vmgroup that has no volumes. They do not come back: a request that was
// under way finds nothing. A directory with a file that no volume ever had stays.
func (s *store) removeVmgroup(uuid string) error {
	if uuid == esxsim.DefaultVmgroupUUID {
		return nil // its directories are always there
	}
	s.dirs.Lock()
	defer s.dirs.Unlock()
	s.gone[uuid] = true
	removed := false
	defer func() {
		if !removed {
			delete(s.gone, uuid)
		}
	}()
	for _, remove := range []bool{false, true} { // a volume on the last datastore leaves those on the first alone
		for _, name := range s.names {
			if err := s.removeDirectory(name, uuid, remove); err != nil {
				return fmt.Errorf("remove vmgroup %s from datastore %s: %w", uuid, name, err)
			}
		}
	}
	removed = true
	return nil
}

// removeDirectory removes one of the directories, or only looks whether it could; s.dirs is held.
func (s *store) removeDirectory(name, uuid string, remove bool) error {
	key := esxsim.Volume{Datastore: name, Vmgroup: uuid}
	ds := s.groups[key]
	if ds == nil {
		var err error
		switch ds, err = openDirectory(s.tops[name], name, uuid); {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		defer ds.close()
	}
	return ds.alone(func() error {
		names, err := ds.descriptors()
		switch {
		case errors.Is(err, fs.ErrNotExist): // another process was faster
			return nil
		case err != nil:
			return err
		case len(names) > 0:
			return fmt.Errorf("%w: %q", esxsim.ErrNotEmpty, names[0])
		case !remove:
			return nil
		}
		ds.clean()
		err = s.tops[name].Remove(uuid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			return err
		}
		if s.groups[key] == ds {
			delete(s.groups, key)
			s.retire(ds)
		}
		return nil
	})
}

// maxRetired bounds the open files of directories that were removed.
const maxRetired = 32

// retire closes a removed directory later: requests under way may use it, and get the errors of a directory that is not
// there. s.dirs is held.
func (s *store) retire(ds *datastore) {
	s.retired = append(s.retired, ds)
	if len(s.retired) > maxRetired {
		s.retired[0].close()
		s.retired = s.retired[1:]
	}
}

// clean deletes what crashes have left in a directory that has no descriptors: data that nobody has locked, sidecars, files
// that were not complete. Nobody makes or deletes disks meanwhile.
func (ds *datastore) clean() {
	files, _ := fs.ReadDir(ds.root.FS(), ".")
	for _, f := range files {
		name := f.Name()
		base, data := strings.CutSuffix(name, dataSuffix)
		switch {
		case !f.Type().IsRegular():
		case data:
			if lock, err := ds.lockData(esxsim.Volume{Name: base}); err == nil {
				_ = ds.root.Remove(name)
				lock.Close()
			}
		case isTemp(name), strings.HasSuffix(name, sidecarSuffix):
			_ = ds.root.Remove(name)
		}
	}
}
