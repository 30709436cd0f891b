package host

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// A file that is not complete has these around its name; no file of a volume ends so.
const (
	tempPrefix = ".new-"
	tempSuffix = ".tmp"
)

func isTemp(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}

// temp is a file that gets its real name, by a link or a new name, when it is complete. Its lock, see claim, says
// that somebody is at work on it, in this process or another one. It is not the flock, which is that of the disk.
type temp struct {
	name string
	file *os.File
}

// writeTemp makes a file with a new name, its content on disk. The caller ends it with drop.
func (ds *datastore) writeTemp(fill func(f *os.File) error) (temp, error) {
	t, err := ds.openTemp()
	if err != nil {
		return t, err
	}
	if err = fill(t.file); err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		ds.drop(t)
		return temp{}, err
	}
	return t, nil
}

// drop takes a temporary name away, if it is still there, and gives its lock back.
func (ds *datastore) drop(t temp) {
	_ = ds.root.Remove(t.name)
	_ = t.file.Close() // it was synced
}

// openTemp makes an empty file and locks it, another one if somebody sweeps it away in between.
func (ds *datastore) openTemp() (temp, error) {
	const tries = 100
	for try := 0; ; try++ {
		name := tempPrefix + newDescriptor(0, "").id + tempSuffix
		f, err := ds.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return temp{}, err
		}
		if err = claim(f); err == nil {
			_, err = ds.stat(name)
		}
		if err == nil {
			return temp{name, f}, nil
		}
		ds.drop(temp{name, f})
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, fs.ErrNotExist) || try == tries {
			return temp{}, err
		}
	}
}

// sweep deletes what processes that died have left of writeTemp. Others may be at work, and have claimed it.
func (ds *datastore) sweep() {
	files, _ := fs.ReadDir(ds.root.FS(), ".")
	for _, f := range files {
		if !isTemp(f.Name()) || !f.Type().IsRegular() {
			continue
		}
		file, err := ds.root.OpenFile(f.Name(), os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if claim(file) == nil {
			_ = ds.root.Remove(f.Name())
		}
		file.Close()
	}
}
