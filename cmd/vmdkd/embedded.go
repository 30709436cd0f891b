//go:build !vmci

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"vmdkvol/esxsim/host"
)

// embedded is a simulated ESX host inside vmdkd, with this machine as its only VM.
func embedded() backendKind {
	return backendKind{
		form:      "embedded",
		simulated: true,
		check: func(address string) error {
			if address != "" {
				return errors.New("it has no address")
			}
			return nil
		},
		open: func(_ context.Context, s settings, _ string) (backend, error) {
			if s.guest == "sim" {
				return inMemory(s)
			}
			return onDisk(s)
		},
	}
}

// The only datastore of the embedded host.
const embeddedDatastore = "datastore1"

// onDisk keeps volumes as VMDK files below --datastore and plugs them in as loop devices.
func onDisk(s settings) (backend, error) {
	dir := s.datastore
	if !filepath.IsAbs(dir) { // as for all other paths: the working directory of a daemon means nothing
		return backend{}, wrongInput("--datastore %q is not an absolute path", dir)
	}
	vms := filepath.Join(dir, ".vms")
	b, err := open(knownName(vms), host.Config{
		Datastores: []host.Datastore{{Name: embeddedDatastore, Dir: dir}},
		VMDir:      vms,
		Loop:       true,
		Detach:     true,
		Log:        s.log,
	})
	switch {
	case errors.Is(err, host.ErrNoLoop):
		return backend{}, lacks("run 'modprobe loop', or another --esx", "%w", err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOSPC):
		return backend{}, lacks("make the directory writable, or choose another --datastore", "%w", err)
	case errors.Is(err, host.ErrInUse):
		return backend{}, lacks("give each vmdkd its own --datastore, or share one by 'vmdksim serve'", "%w", err)
	}
	return b, err
}

// inMemory keeps nothing: a guest without devices has no use for files.
func inMemory(s settings) (backend, error) {
	s.log.Warn("volumes are in memory and end with vmdkd")
	return open(machineName(), host.Config{Datastores: []host.Datastore{{Name: embeddedDatastore}}, Log: s.log})
}

// open makes a host with this machine as its VM.
func open(vm string, c host.Config) (backend, error) {
	c.VMs = []host.VM{{Name: vm}}
	h, err := host.Open(c)
	if err != nil {
		return backend{}, err
	}
	return backend{
		transport: h.Port(vm),
		devRoot:   h.DevRoot(vm),
		sysRoot:   h.SysRoot(vm),
		close:     h.Close,
	}, nil
}

// knownName is the name that this machine had as the VM when the embedded host first ran here, though its host name may
// have changed: disks that its containers use since before are in that VM, and locked for any other. vms holds a directory
// for each VM.
func knownName(vms string) string {
	known, _ := os.ReadDir(vms) // whoever makes the directory says what is wrong with it
	known = slices.DeleteFunc(known, func(e fs.DirEntry) bool { return !e.IsDir() })
	if len(known) != 1 || !isMachineName(known[0].Name()) {
		return machineName()
	}
	return known[0].Name()
}

// machineName is this machine's name as a new VM of the embedded host.
func machineName() string {
	name, err := os.Hostname()
	name, _, _ = strings.Cut(name, ".")
	if err != nil || !isMachineName(name) {
		return "vm1"
	}
	return name
}

func isMachineName(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,62}$`).MatchString(s)
}
