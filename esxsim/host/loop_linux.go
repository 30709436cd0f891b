package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// loopDevice is the number of a loop device.
type loopDevice int

const (
	loopMajor = 7
	// loopTries bounds the race for a free device with everybody else on the machine.
	loopTries = 100
	// goneWithin is how long udev may still look at a device that was cleared.
	goneWithin = time.Second
)

func (d loopDevice) path() string { return "/dev/loop" + strconv.Itoa(int(d)) }

// open opens the device, making its node if nobody did.
func (d loopDevice) open(flags int) (int, error) {
	for {
		fd, err := unix.Open(d.path(), flags|unix.O_CLOEXEC, 0)
		switch err {
		case unix.EINTR:
			continue
		case unix.ENOENT:
			err = unix.Mknod(d.path(), unix.S_IFBLK|0o660, int(unix.Mkdev(loopMajor, uint32(d))))
			if err == nil || err == unix.EEXIST {
				continue
			}
		}
		if err != nil {
			return -1, fmt.Errorf("open %s: %w", d.path(), err)
		}
		return fd, nil
	}
}

// plugLoop puts a file into a free loop device, with a mark by which it is known again. The device keeps the file open.
func plugLoop(file *os.File, mark string) (loopDevice, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("no loop devices: %w", err)
	}
	defer control.Close()
	config := unix.LoopConfig{Fd: uint32(file.Fd()), Size: sector}
	copy(config.Info.File_name[:len(config.Info.File_name)-1], mark)
	for range loopTries {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return 0, fmt.Errorf("no free loop device: %w", err)
		}
		d := loopDevice(n)
		fd, err := d.open(unix.O_RDWR)
		if errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EBUSY) { // removed, or taken for good
			continue
		}
		if err != nil {
			return 0, err
		}
		err = unix.IoctlLoopConfigure(fd, &config)
		unix.Close(fd)
		runtime.KeepAlive(file)
		switch {
		case err == nil:
			return d, nil
		case errors.Is(err, unix.EBUSY), errors.Is(err, unix.ENXIO): // somebody was faster
			continue
		}
		return 0, fmt.Errorf("set up %s: %w", d.path(), err)
	}
	return 0, errors.New("no loop device stayed free")
}

// loopState is what a loop device holds.
type loopState struct {
	mark          string
	device, inode uint64 // of the file
}

// state reads it; ENXIO if the device is free.
func (d loopDevice) state() (loopState, error) {
	fd, err := d.open(unix.O_RDONLY)
	if err != nil {
		return loopState{}, err
	}
	defer unix.Close(fd)
	return stateOf(fd)
}

func stateOf(fd int) (loopState, error) {
	info, err := unix.IoctlLoopGetStatus64(fd)
	if err != nil {
		return loopState{}, err
	}
	return loopState{
		mark:   unix.ByteSliceToString(info.File_name[:]),
		device: info.Device, inode: info.Inode,
	}, nil
}

// busy reports whether something holds the device exclusively, as a mount does.
func (d loopDevice) busy() bool {
	fd, err := d.open(unix.O_RDONLY | unix.O_EXCL)
	if err != nil {
		return errors.Is(err, unix.EBUSY)
	}
	unix.Close(fd)
	return false
}

// clear takes the file out of the device if it is still the one with the mark. It reports gone = false if somebody has the
// device open for longer: then the kernel clears it at the last close.
func (d loopDevice) clear(mark string) (gone bool, err error) {
	fd, err := d.open(unix.O_RDONLY)
	if err != nil {
		return false, err
	}
	is, err := stateOf(fd)
	if err == nil && is.mark == mark {
		_, err = unix.IoctlRetInt(fd, unix.LOOP_CLR_FD)
	}
	unix.Close(fd)
	switch {
	case errors.Is(err, unix.ENXIO), err == nil && is.mark != mark:
		return true, nil // it was cleared by hand
	case err != nil:
		return false, fmt.Errorf("clear %s: %w", d.path(), err)
	}
	// The kernel takes the file out at the last close of the device, which may be udev's, a moment after ours. Only udev's uevents tell
	// when, and a container need not get them. So this polls, and not for ever; sysfs, because to open the device would keep it alive.
	for end := time.Now().Add(goneWithin); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(d.sysfs("loop")); err != nil {
			return true, nil
		}
		if time.Now().After(end) {
			return false, nil
		}
	}
}

func (d loopDevice) sysfs(name string) string {
	return filepath.Join("/sys/block", filepath.Base(d.path()), name)
}

// backingFile is the path of the device's file as the kernel tells it.
func (d loopDevice) backingFile() string {
	text, _ := os.ReadFile(d.sysfs("loop/backing_file"))
	return strings.TrimSuffix(string(text), "\n")
}

// usedLoops returns the loop devices that hold a file.
func usedLoops() []loopDevice {
	var list []loopDevice
	paths, _ := filepath.Glob("/sys/block/loop[0-9]*/loop")
	for _, path := range paths {
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "loop"))
		if err == nil {
			list = append(list, loopDevice(n))
		}
	}
	return list
}

// holders names mounts of the device, in any mount namespace that can be seen, a few at most. It is for a log line.
func (d loopDevice) holders() []string {
	const most = 3
	device := fmt.Sprintf("%d:%d", loopMajor, int(d))
	var found []string
	seen := map[string]bool{}
	tables, _ := filepath.Glob("/proc/[0-9]*/mountinfo")
	for _, table := range tables {
		process := filepath.Dir(table)
		ns, err := os.Readlink(filepath.Join(process, "ns/mnt"))
		if err != nil || seen[ns] {
			continue
		}
		seen[ns] = true
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 4 && (f[2] == device || strings.Contains(line, " "+d.path()+" ")) { // btrfs has a number of its own
				found = append(found, f[4]+" of process "+filepath.Base(process))
				break
			}
		}
		if len(found) == most {
			break
		}
	}
	return found
}
