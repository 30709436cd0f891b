//go:build !vmci

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

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
	dir, err := filepath.Abs(s.datastore)
	if err != nil {
		return backend{}, wrongInput("--datastore: %w", err)
	}
	b, err := open(host.Config{
		Datastores: []host.Datastore{{Name: embeddedDatastore, Dir: dir}},
		VMDir:      filepath.Join(dir, ".vms"),
		Loop:       true,
		Detach:     true,
		Log:        s.log,
	})
	switch {
	case errors.Is(err, host.ErrNoLoop):
		return backend{}, lacks("run 'modprobe loop', or another --esx", "%w", err)
	case errors.Is(err, host.ErrInUse):
		return backend{}, lacks("give each vmdkd its own --datastore, or share one by 'vmdksim serve'", "%w", err)
	}
	return b, err
}

// inMemory keeps nothing: a guest without devices has no use for files.
func inMemory(s settings) (backend, error) {
	s.log.Warn("volumes are in memory and end with vmdkd")
	return open(host.Config{Datastores: []host.Datastore{{Name: embeddedDatastore}}, Log: s.log})
}

// open makes a host with this machine as its VM.
func open(c host.Config) (backend, error) {
	vm := machineName()
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

// machineName is this machine's name as a VM of the embedded host.
func machineName() string {
	name, err := os.Hostname()
	name, _, _ = strings.Cut(name, ".")
	if err != nil || !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,62}$`).MatchString(name) {
		return "vm1"
	}
	return name
}
