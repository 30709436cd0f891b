package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vmdkvol/driver/wire"
)

// tree is the part of /dev and /sys by which a VM finds its disks (docs/original.md §3.6).
type tree struct {
	dir string // the VM's own
}

func (t tree) dev() string    { return filepath.Join(t.dir, "dev") }
func (t tree) sys() string    { return filepath.Join(t.dir, "sys") }
func (t tree) byPath() string { return filepath.Join(t.dev(), "disk", "by-path") }

// create makes the directories. What a guest wants to know from sysfs about other things, it finds in the real one.
func (t tree) create() error {
	pci := filepath.Join(t.sys(), "bus", "pci", "devices")
	for _, dir := range []string{t.byPath(), pci} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"block", "class", "dev", "devices"} {
		err := os.Symlink("/sys/"+name, filepath.Join(t.sys(), name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// pciBus is the bus behind a controller's bridge: the bridge in slot 21+n of the root bus leads to bus 5+n.
func pciBus(at wire.Device) (string, error) {
	slot, _, _ := strings.Cut(at.ControllerPciBusNumber, ".")
	n, err := strconv.ParseUint(slot, 16, 8)
	if err != nil || n < 16 {
		return "", fmt.Errorf("controller in slot %q", at.ControllerPciBusNumber)
	}
	return fmt.Sprintf("0000:%02x", n-16), nil
}

// link returns the link of a place.
func (t tree) link(at wire.Device) (string, error) {
	bus, err := pciBus(at)
	if err != nil {
		return "", err
	}
	return filepath.Join(t.byPath(), "pci-"+bus+":00.0-scsi-0:0:"+at.Unit+":0"), nil
}

// plug makes a disk visible at a place, in one instant.
func (t tree) plug(at wire.Device, disk string) error {
	bus, err := pciBus(at)
	if err != nil {
		return err
	}
	controller := filepath.Join(t.sys(), "bus/pci/devices", "0000:00:"+at.ControllerPciBusNumber, "pci_bus", bus)
	if err := os.MkdirAll(controller, 0o755); err != nil {
		return err
	}
	link, err := t.link(at)
	if err != nil {
		return err
	}
	if err := os.Remove(link + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(disk, link+".new"); err != nil {
		return err
	}
	return os.Rename(link+".new", link)
}

// unplug takes the link away; the controller stays, as it does in a VM.
func (t tree) unplug(at wire.Device) error {
	link, err := t.link(at)
	if err != nil {
		return err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// links returns the links that there are, from their names to the disks.
func (t tree) links() map[string]string {
	found := map[string]string{}
	entries, _ := os.ReadDir(t.byPath())
	for _, e := range entries {
		path := filepath.Join(t.byPath(), e.Name())
		if disk, err := os.Readlink(path); err == nil {
			found[path] = disk
		}
	}
	return found
}
