package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"vmdkvol/esxsim"
)

// diskLock is the file lock of a disk that a VM has attached.
type diskLock struct {
	vm   string
	file *os.File // the data file; its flock is the lock, unless a loop device from before us has it
}

// LockDisk implements esxsim.Store.
func (s *store) LockDisk(_ context.Context, v esxsim.Volume, vm string) (esxsim.Disk, error) {
	ds, err := s.find(v)
	if err != nil {
		return esxsim.Disk{}, err
	}
	d, err := ds.descriptor(v)
	if err != nil {
		return esxsim.Disk{}, storeError("lock", v, err)
	}
	s.mu.Lock()
	held, locked := s.locks[v]
	adopted := s.adopted[v] == vm && vm != ""
	s.mu.Unlock()
	if locked {
		if held.vm != vm {
			return esxsim.Disk{}, storeError("lock", v, syscall.EWOULDBLOCK)
		}
		return s.stat(ds, v, d), nil
	}
	open := ds.lockData
	if adopted {
		open = ds.openData
	}
	f, err := open(v)
	if err != nil {
		return esxsim.Disk{}, storeError("lock", v, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, locked := s.locks[v]; locked { // only possible without flock
		f.Close()
		return esxsim.Disk{}, storeError("lock", v, syscall.EWOULDBLOCK)
	}
	s.locks[v] = diskLock{vm: vm, file: f}
	return s.stat(ds, v, d), nil
}

// UnlockDisk implements esxsim.Store. Closing, unlike LOCK_UN, leaves the lock to a loop device that somebody still uses.
func (s *store) UnlockDisk(_ context.Context, v esxsim.Volume, vm string) error {
	s.mu.Lock()
	held, locked := s.locks[v]
	if locked && held.vm == vm {
		delete(s.locks, v)
		delete(s.adopted, v)
	}
	s.mu.Unlock()
	if !locked || held.vm != vm {
		return nil
	}
	return held.file.Close()
}

// adopt says that a loop device in a VM has a disk locked since before this store was opened.
func (s *store) adopt(v esxsim.Volume, vm string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopted[v] = vm
}

// abandon undoes adopt.
func (s *store) abandon(v esxsim.Volume) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.adopted, v)
}

// data returns the data file of a disk that a VM has locked. It stays open until the disk is unlocked.
func (s *store) data(v esxsim.Volume) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held, locked := s.locks[v]
	if !locked {
		return nil, fmt.Errorf("disk %s on datastore %s is not locked", v.Name, v.Datastore)
	}
	return held.file, nil
}

func (ds *datastore) openData(v esxsim.Volume) (*os.File, error) {
	f, err := ds.root.OpenFile(dataFile(v), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("its data is no file")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lockData opens a disk's data file and takes its flock; EWOULDBLOCK if somebody has it.
func (ds *datastore) lockData(v esxsim.Volume) (*os.File, error) {
	f, err := ds.openData(v)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	// Between open and lock the disk may have been deleted, and another one made.
	opened, err := f.Stat()
	if err == nil {
		var now os.FileInfo
		if now, err = ds.root.Stat(dataFile(v)); err == nil && !os.SameFile(opened, now) {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// volumeOf returns the volume whose data file is the one with these numbers; path is where it was when it was opened.
func (s *store) volumeOf(path string, device, inode uint64) (esxsim.Volume, bool) {
	name, ok := strings.CutSuffix(filepath.Base(path), dataSuffix)
	if !ok {
		return esxsim.Volume{}, false
	}
	for _, ds := range s.names {
		uuids, _ := s.Vmgroups(context.Background(), ds)
		for _, uuid := range uuids {
			v := esxsim.Volume{Datastore: ds, Vmgroup: uuid, Name: name}
			info, err := s.tops[ds].Stat(filepath.Join(uuid, dataFile(v)))
			if err != nil {
				continue
			}
			st, ok := info.Sys().(*syscall.Stat_t)
			if ok && uint64(st.Dev) == device && st.Ino == inode { //nolint:unconvert // an int32 on darwin
				return v, true
			}
		}
	}
	return esxsim.Volume{}, false
}
