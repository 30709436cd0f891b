//go:build !vmci

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
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
		open: func(ctx context.Context, s settings, _ string) (backend, error) {
			if s.guest == "sim" {
				return inMemory(s)
			}
			return onDisk(ctx, s)
		},
	}
}

// onDisk keeps volumes as VMDK files below --datastore and plugs them in as loop devices.
func onDisk(_ context.Context, _ settings) (backend, error) {
	return backend{}, errors.New("not there yet")
}

// inMemory keeps nothing: a guest without devices has no use for files.
func inMemory(s settings) (backend, error) {
	store := esxsim.NewMemStore(s.env, false, "datastore1")
	esx, err := esxsim.New(esxsim.Config{Env: s.env, Store: store, Bus: noBus{}, Log: s.log})
	if err != nil {
		return backend{}, err
	}
	vm := vmName()
	if err := esx.AddVM(esxsim.VM{ID: vm, Home: "datastore1"}); err != nil {
		return backend{}, err
	}
	s.log.Warn("volumes are in memory and end with vmdkd")
	return backend{
		transport: inProcess{esx: esx, vm: vm},
		close:     func() error { return nil },
	}, nil
}

// vmName is this machine as a VM of the embedded host.
func vmName() string {
	name, err := os.Hostname()
	name, _, _ = strings.Cut(name, ".")
	if err != nil || name == "" {
		return "vm1"
	}
	return name
}

// noBus plugs nothing: the simulated guest's disks are plugged on this side of the protocol.
type noBus struct{}

func (noBus) Plug(context.Context, string, wire.Device, esxsim.Disk) error   { return nil }
func (noBus) Unplug(context.Context, string, wire.Device, esxsim.Disk) error { return nil }

// inProcess is a transport to a service in this process.
type inProcess struct {
	esx *esxsim.Service
	vm  string
}

// RoundTrip hands one request over. It does not return before the service has finished, but a done ctx ends the
// service's waits.
func (p inProcess) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("embedded: %w: %w", wire.ErrNotSent, context.Cause(ctx))
	}
	return p.esx.Handle(ctx, p.vm, request), nil
}
