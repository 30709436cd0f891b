package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// Datastore is a directory with the files of volumes, made if need be. Without a directory it is in memory and ends with
// the host; either all datastores of a host are so or none.
type Datastore struct {
	Name string
	Dir  string // absolute
}

// VM is a Docker machine on the host.
type VM struct {
	Name   string // letters, digits, ".", "_" and "-"; it is the VM's directory, too
	Socket string // where the machine's vmdkd connects; "" if only [Host.Port] is used
	Home   string // home datastore; "" is the first datastore
}

// Plug tells about a disk that has come to a VM, or is about to leave it.
type Plug struct {
	VM        string
	At        wire.Device
	Datastore string
	Volume    string
	Disk      string // ID of the disk; another one when the volume is created again
	Size      int64  // bytes
	Out       bool
}

// Config describes a host. At least one datastore is required.
type Config struct {
	Datastores []Datastore
	VMs        []VM

	// Loop makes attached disks appear as loop devices, linked below VMDir. It needs root.
	Loop bool
	// VMDir is the absolute directory of the VMs' devices, needed with Loop. One host at a time can have it.
	VMDir string
	// Hook is called for every disk plugged in or out if there are no loop devices; its error is that of the bus.
	Hook func(ctx context.Context, p Plug) error
	// Detach makes Close take those disks out of the VMs that nobody uses.
	Detach bool

	// VSAN are the datastores that take vSAN policies.
	VSAN []string
	// Stage makes steps of the service fail on demand, see [esxsim.Checkpoints]; nil: nothing fails. Its methods are called
	// by several goroutines at once.
	Stage seam.Stage
	// Control is the socket of the administrator, see [Host.Admin]; "": none. Its owner alone may connect.
	Control string
	// Groups is the config database, which must not be nil inside; nil: the host is not configured.
	Groups esxsim.ConfigDB

	DefaultDatastore string        // "" is the home datastore of each VM
	Quirks           Quirks        // what differs from the original service
	Version          string        // answer to "version"; "" is "N/A"
	Timeout          time.Duration // for a client to send its request, and to take the reply; 0 is 10 s
	Drain            time.Duration // for requests that wait for a lock when Serve ends; 0 is 20 s (docs/original.md §2.15)
	MaxConnections   int           // at once, of one VM; more wait; 0 is 256
	MaxUnread        int64         // bytes of replies to one VM that its clients do not take; beyond, they are dropped; 0 is 64 MiB
	Log              *slog.Logger  // nil: discard
	LogFile          string        // what that writes to, for "status"; "" is not known
}

const (
	defaultTimeout        = 10 * time.Second
	defaultDrain          = 20 * time.Second
	defaultMaxConnections = 256
	defaultMaxUnread      = 64 << 20
	maxSocketPath         = 107 // unix(7): 108 with the final NUL
	maxDatastoreName      = 100 // characters
)

var vmName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$`)

// ErrConfig is in the error of [Open] if the config is at fault.
var ErrConfig = errors.New("bad config of the simulated host")

// withDefaults checks the config and fills in the defaults.
func (c Config) withDefaults() (Config, error) {
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Drain == 0 {
		c.Drain = defaultDrain
	}
	if c.MaxUnread == 0 {
		c.MaxUnread = defaultMaxUnread
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultMaxConnections
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	vms := make([]VM, 0, len(c.VMs))
	for _, vm := range c.VMs {
		if vm.Home == "" {
			vm.Home = c.Datastores[0].Name
		}
		vms = append(vms, vm)
	}
	c.VMs = vms
	return c, nil
}

func (c Config) check() error {
	switch {
	case len(c.Datastores) == 0:
		return errors.New("no datastore")
	case c.Timeout < 0 || c.Drain < 0:
		return errors.New("negative timeout")
	case c.MaxConnections < 0 || c.MaxUnread < 0:
		return errors.New("negative limit")
	case c.Loop && c.memory():
		return errors.New("loop devices need datastores with a directory")
	case c.Loop && !filepath.IsAbs(c.VMDir):
		return fmt.Errorf("directory of the VMs %q is not an absolute path", c.VMDir)
	}
	names, dirs := map[string]bool{}, map[string]bool{}
	for _, d := range c.Datastores {
		if err := d.check(c.memory()); err != nil {
			return fmt.Errorf("datastore %q: %w", d.Name, err)
		}
		if names[d.Name] || d.Dir != "" && dirs[filepath.Clean(d.Dir)] {
			return fmt.Errorf("datastore %q, or its directory, is given twice", d.Name)
		}
		names[d.Name], dirs[filepath.Clean(d.Dir)] = true, true
	}
	if c.DefaultDatastore != "" && c.DefaultDatastore != "_VM_DS" && !names[c.DefaultDatastore] {
		return fmt.Errorf("default datastore %q is none of the datastores", c.DefaultDatastore)
	}
	for _, name := range c.VSAN {
		if !names[name] {
			return fmt.Errorf("vSAN datastore %q is none of the datastores", name)
		}
	}
	vms, sockets := map[string]bool{}, map[string]bool{}
	if c.Control != "" {
		sockets[filepath.Clean(c.Control)] = true
	}
	for _, vm := range c.VMs {
		switch {
		case !vmName.MatchString(vm.Name):
			return fmt.Errorf("vm %q: a name has up to 63 letters, digits, \"_\", \".\" and \"-\"", vm.Name)
		case vms[vm.Name]:
			return fmt.Errorf("vm %s is given twice", vm.Name)
		case vm.Home != "" && !names[vm.Home]:
			return fmt.Errorf("vm %s: no datastore %q", vm.Name, vm.Home)
		case len(vm.Socket) > maxSocketPath:
			return fmt.Errorf("vm %s: path of the socket is longer than %d bytes", vm.Name, maxSocketPath)
		case vm.Socket != "" && filepath.Clean(vm.Socket) == filepath.Clean(c.Control):
			return fmt.Errorf("vm %s: socket %s is the administrator's", vm.Name, vm.Socket)
		case vm.Socket != "" && sockets[filepath.Clean(vm.Socket)]:
			return fmt.Errorf("vm %s: socket %s is another VM's", vm.Name, vm.Socket)
		}
		vms[vm.Name] = true
		if vm.Socket != "" {
			sockets[filepath.Clean(vm.Socket)] = true
		}
	}
	return nil
}

func (d Datastore) check(memory bool) error {
	switch {
	case d.Name == "" || d.Name == "_VM_DS" || d.Name == "_ALL_DS" || strings.ContainsAny(d.Name, "@/\\\x00"):
		return errors.New("no name of a datastore")
	case !utf8.ValidString(d.Name) || utf8.RuneCountInString(d.Name) > maxDatastoreName:
		return fmt.Errorf("a name has up to %d characters", maxDatastoreName)
	case memory && d.Dir != "":
		return errors.New("some datastores have no directory, this one has")
	case !memory && !filepath.IsAbs(d.Dir):
		return fmt.Errorf("directory %q is not an absolute path", d.Dir)
	}
	return nil
}

// groups returns the config database as the service wants it: no interface if there is none.
func (c Config) groups() esxsim.Authority {
	if c.Groups == nil {
		return nil
	}
	return c.Groups
}

// memory reports whether the datastores are in memory: the first one decides, check looks at the others.
func (c Config) memory() bool { return c.Datastores[0].Dir == "" }
