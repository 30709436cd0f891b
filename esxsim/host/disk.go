package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"vmdkvol/esxsim"
)

const (
	descriptorSuffix = ".vmdk"
	dataSuffix       = "-flat.vmdk"
)

func descriptorFile(v esxsim.Volume) string { return v.Name + descriptorSuffix }
func dataFile(v esxsim.Volume) string       { return v.Name + dataSuffix }

// CreateDisk implements esxsim.Store. The descriptor makes the volume exist, and comes before the data file, so that a
// crash leaves nothing that nobody can remove.
func (s *store) CreateDisk(_ context.Context, v esxsim.Volume, size int64, format esxsim.Format) (esxsim.Disk, error) {
	ds, err := s.find(v)
	if err != nil {
		return esxsim.Disk{}, err
	}
	if size < minDisk || size%sector != 0 {
		return esxsim.Disk{}, fmt.Errorf("create disk %s: a disk cannot have %d bytes", v.Name, size)
	}
	return s.makeDisk(ds, v, newDescriptor(size, format), func(*os.File) error { return nil })
}

// makeDisk makes a disk whose data, zeros of the right size, fill completes.
func (s *store) makeDisk(ds *datastore, v esxsim.Volume, d descriptor, fill func(data *os.File) error) (esxsim.Disk, error) {
	data, err := ds.writeTemp(func(f *os.File) error {
		if err := f.Truncate(d.size); err != nil {
			return err
		}
		if d.format != esxsim.Thin {
			if err := s.allocate(f, d.size); err != nil {
				return err
			}
		}
		return fill(f)
	})
	if err != nil {
		return esxsim.Disk{}, storeError("create", v, err)
	}
	defer ds.drop(data) // it has its real name by then
	text, err := ds.writeTemp(func(f *os.File) error {
		_, err := f.Write(d.text(dataFile(v)))
		return err
	})
	if err != nil {
		return esxsim.Disk{}, storeError("create", v, err)
	}
	defer ds.drop(text)

	err = ds.alone(func() error {
		if err := ds.root.Link(text.name, descriptorFile(v)); err != nil {
			return err
		}
		if err := ds.root.Link(data.name, dataFile(v)); err != nil {
			return errors.Join(err, ds.root.Remove(descriptorFile(v)))
		}
		return ds.dir.Sync()
	})
	if err != nil {
		return esxsim.Disk{}, storeError("create", v, err)
	}
	return s.stat(ds, v, d), nil
}

// StatDisk implements esxsim.Store.
func (s *store) StatDisk(_ context.Context, v esxsim.Volume) (esxsim.Disk, error) {
	ds, err := s.find(v)
	if err != nil {
		return esxsim.Disk{}, err
	}
	d, err := ds.descriptor(v)
	if err != nil {
		return esxsim.Disk{}, storeError("stat", v, err)
	}
	return s.stat(ds, v, d), nil
}

func (s *store) stat(ds *datastore, v esxsim.Volume, d descriptor) esxsim.Disk {
	disk := esxsim.Disk{Volume: v, ID: d.id, Size: d.size, Format: d.format}
	if st, err := ds.stat(dataFile(v)); err == nil {
		disk.Allocated = st.Blocks * 512 // stat(2): always this unit
	}
	return disk
}

// descriptor reads a volume's descriptor. The data file of another volume can have the name; then, and if no file can
// have it, the volume does not exist.
func (ds *datastore) descriptor(v esxsim.Volume) (d descriptor, err error) {
	err = ds.readSmall(descriptorFile(v), maxDescriptor, func(text []byte) error {
		if len(text) > maxDescriptor {
			return fs.ErrNotExist
		}
		var err error
		d, err = parseDescriptor(text)
		return err
	})
	if errors.Is(err, syscall.ENAMETOOLONG) {
		err = fs.ErrNotExist
	}
	return d, err
}

// DeleteDisk implements esxsim.Store. A disk whose descriptor is damaged can be deleted, too.
func (s *store) DeleteDisk(_ context.Context, v esxsim.Volume) error {
	ds, err := s.find(v)
	if err != nil {
		return err
	}
	err = ds.alone(func() error {
		if _, err := ds.descriptor(v); err != nil && !errors.Is(err, errNoDescriptor) {
			return err
		}
		data, err := ds.lockData(v)
		switch {
		case err == nil:
			defer data.Close()
			if err := ds.root.Remove(dataFile(v)); err != nil {
				return err
			}
		case !errors.Is(err, fs.ErrNotExist): // a crash took it already
			return err
		}
		if err := ds.root.Remove(descriptorFile(v)); err != nil {
			return err
		}
		return ds.dir.Sync()
	})
	return storeError("delete", v, err)
}
