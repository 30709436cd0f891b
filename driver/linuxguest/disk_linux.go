package linuxguest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vmdkvol/driver/wire"
)

// Disks appear 60 ms to 2 s after the attach, so the first looks are close together. There is no inotify: a watch can
// miss the event, and the original leaked one descriptor for each (docs/original.md §3.6).
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

var (
	busNumber  = regexp.MustCompile(`^[0-9a-f]{1,2}\.[0-7]$`)        // <hex slot of the root bridge>.<function>
	unitNumber = regexp.MustCompile(`^([0-9]|1[0-5])$`)              // a PVSCSI controller has 16
	busEntry   = regexp.MustCompile(`^[0-9a-f]{4,8}:[0-9a-f]{2}$`)   // <domain>:<bus> below pci_bus
	scsiNumber = regexp.MustCompile(`^[0-9]+:[0-9]+:[0-9]+:[0-9]+$`) // <host>:<channel>:<target>:<LUN>
)

// Disk waits until the disk at the given place has a device that answers and returns its path with all links
// resolved, such as /dev/sdb. It looks until ctx is done; then the error names the path that it waited for. A place that
// cannot be one is ErrPlace at once. The way from the place to the device: docs/original.md §3.6.
func (g *Guest) Disk(ctx context.Context, at wire.Device) (string, error) {
	if !busNumber.MatchString(at.ControllerPciBusNumber) {
		return "", fmt.Errorf("find disk: controller PCI bus number %.20q: %w", at.ControllerPciBusNumber, ErrPlace)
	}
	if !unitNumber.MatchString(at.Unit) {
		return "", fmt.Errorf("find disk: unit %.20q: %w", at.Unit, ErrPlace)
	}
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		disk, awaited, err := g.lookup(at)
		if err == nil {
			return disk, nil
		}
		if cause := pause(ctx, wait); cause != nil {
			return "", fmt.Errorf("no disk at controller %s unit %s: waited for %s (%w): %w",
				at.ControllerPciBusNumber, at.Unit, awaited, err, cause)
		}
	}
}

// lookup looks once; awaited is the path that must change for the next look to succeed.
func (g *Guest) lookup(at wire.Device) (disk, awaited string, err error) {
	// The controller itself may be hot-plugged by the same attach, so its directory may be late too.
	buses := filepath.Join(g.cfg.SysRoot, "bus/pci/devices", "0000:00:"+at.ControllerPciBusNumber, "pci_bus")
	entries, err := os.ReadDir(buses)
	if err != nil {
		return "", buses, reason(err)
	}
	if len(entries) == 0 {
		return "", buses, errors.New("it has no bus yet")
	}
	bus := entries[0].Name() // sorted by name
	if !busEntry.MatchString(bus) {
		return "", buses, fmt.Errorf("%.20q in it is no PCI bus", bus)
	}
	link := filepath.Join(g.cfg.DevRoot, "disk/by-path", "pci-"+bus+":00.0-scsi-0:0:"+at.Unit+":0")
	disk, err = filepath.EvalSymlinks(link)
	if err != nil {
		return "", link, reason(err)
	}
	if err := g.usable(disk); err != nil {
		return "", link, err
	}
	if err := g.inPlace(disk, bus, at.Unit); err != nil {
		return "", link, err
	}
	return disk, link, nil
}

// inPlace makes sure that the kernel, too, has the device in that place. The link is udev's work and can be late: when
// disks come and go, the name in it may already be that of a disk elsewhere, of another volume. A device that is no SCSI
// disk, such as the loop device of a simulated host, has no place that the kernel knows.
func (g *Guest) inPlace(disk, bus, unit string) error {
	path, err := filepath.EvalSymlinks(filepath.Join(g.cfg.SysRoot, "class/block", filepath.Base(disk)))
	if err != nil {
		return reason(err)
	}
	elements := strings.Split(path, "/")
	i := slices.IndexFunc(elements, scsiNumber.MatchString)
	if i < 0 {
		return nil
	}
	_, place, _ := strings.Cut(elements[i], ":")
	if place != "0:"+unit+":0" || !slices.Contains(elements[:i], bus+":00.0") {
		return fmt.Errorf("it leads to %s, which is another disk: %s", disk, path)
	}
	return nil
}

// reason drops the path from a file error, for a sentence that names the path already.
func reason(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// usableDisk refuses what is no block device, and the node that a removed disk leaves behind for a moment: opening
// it fails, its size is 0, or it does not answer a read. The read goes past the page cache, which would answer for a dead disk.
func usableDisk(disk string) error {
	const block = 4096
	fd, err := openDisk(disk, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_DIRECT)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	size, err := unix.Seek(fd, 0, unix.SEEK_END)
	if err != nil {
		return fmt.Errorf("size of %s: %w", disk, err)
	}
	if size < block {
		return fmt.Errorf("%s has %d bytes", disk, size)
	}
	raw := make([]byte, 2*block) // O_DIRECT wants an aligned buffer
	off := -uintptr(unsafe.Pointer(&raw[0])) & (block - 1)
	if _, err := unix.Pread(fd, raw[off:off+block], 0); err != nil {
		return fmt.Errorf("%s does not answer: %w", disk, err)
	}
	return nil
}

// openDisk opens a block device; the caller closes it. What is opened is checked, not what was there before.
func openDisk(disk string, flags int) (fd int, err error) {
	for {
		if fd, err = unix.Open(disk, flags|unix.O_CLOEXEC, 0); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", disk, err)
	}
	if _, err := deviceOf(fd); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("%s: %w", disk, err)
	}
	return fd, nil
}

// deviceOf returns the number of the block device that is open at fd.
func deviceOf(fd int) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0, unix.ENOTBLK
	}
	return st.Rdev, nil
}

// deviceNumber returns the number of a block device, 0 if the path is none.
func deviceNumber(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0
	}
	return st.Rdev
}
