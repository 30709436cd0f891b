package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// The reads of this file go straight to the directory, because every get makes several of them and os.Root costs twice as
// much. They keep its promise: a name without a slash that is not followed as a link is in the directory.

// at runs f with the directory's descriptor and the name of a file in it, again if a signal came.
func (ds *datastore) at(name string, f func(dir int) error) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("no file can be called %q", name)
	}
	var failed error
	err := ds.raw.Control(func(fd uintptr) {
		for {
			if failed = f(int(fd)); !errors.Is(failed, unix.EINTR) { //nolint:gosec // a descriptor is an int
				return
			}
		}
	})
	return errors.Join(err, failed)
}

// readSmall gives a file's content to use, which must not keep it: all of it if it has at most limit bytes, else more of them
// than that. A link is an error.
func (ds *datastore) readSmall(name string, limit int, use func(text []byte) error) error {
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	var text []byte
	err := ds.at(name, func(dir int) error {
		// A pipe that somebody planted does not block.
		fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for n := 0; ; {
			buf := (*room)[:min(len(*room), limit+1)]
			got, err := unix.Pread(fd, buf[n:], int64(n))
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return err
			}
			n += got
			if n < len(buf) || n > limit { // less than there was room for is the end: it is a regular file, a pipe has no offset
				text = buf[:n]
				return nil
			}
			*room = append(*room, make([]byte, len(*room))...)
		}
	})
	if err != nil {
		return err
	}
	return use(text)
}

// rooms are buffers for files. The first one holds a descriptor, and the sidecars of most volumes with a byte to spare, which
// shows their end.
var rooms = sync.Pool{New: func() any { b := make([]byte, sidecarBlock+1); return &b }}

// stat describes a file, not what a link leads to.
func (ds *datastore) stat(name string) (st unix.Stat_t, err error) {
	err = ds.at(name, func(dir int) error { return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return st, err
}

// descriptors returns the names of volumes, sorted: of the regular files called *.vmdk that are small enough. Most of the
// large ones are known by their names: a file X-flat.vmdk beside X.vmdk is the data of X.
func (ds *datastore) descriptors() ([]string, error) {
	dir, err := ds.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	files, err := dir.Readdirnames(-1) // ReadDir would ask for each file's type
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(files)/2)
	names := files[:0]
	for _, f := range files {
		if name, ok := strings.CutSuffix(f, descriptorSuffix); ok {
			names = append(names, name)
			there[name] = true
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		if base, ok := strings.CutSuffix(name, "-flat"); ok && there[base] {
			return true
		}
		st, err := ds.stat(name + descriptorSuffix)
		return err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxDescriptor
	})
	slices.Sort(names)
	return names, nil
}
