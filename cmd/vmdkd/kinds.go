package main

import (
	"context"
	"errors"
	"log/slog"

	"vmdkvol/driver"
	"vmdkvol/driver/linuxguest"
	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/seam"
)

// settings are what the parts of the daemon are made with.
type settings struct {
	options
	log *slog.Logger
	env seam.Env
}

// backend is an open way to an ESX host.
type backend struct {
	transport vmdkops.Transport
	devRoot   string // where its disks appear, if it knows better than the machine
	sysRoot   string // as devRoot, for sysfs
	close     func() error
}

// backendFactory opens a way to an ESX host at an address, the part of --esx after the first colon.
type backendFactory func(ctx context.Context, s settings, address string) (backend, error)

// backendKind is one value of --esx. Each build has its own table of them, backends().
type backendKind struct {
	form      string
	simulated bool
	check     func(address string) error
	open      backendFactory
}

func (k backendKind) syntax() string { return k.form }

// machine is an open guest.
type machine struct {
	guest  driver.Guest
	ops    driver.Backend      // the way to the host that the driver must use: disks of a simulated guest do not plug themselves
	seenBy func(pid int) error // of front.Config
	remain driver.Machine      // nil if nothing outlives vmdkd
}

// guestFactory makes a guest for the disks of host.
type guestFactory func(s settings, host backend, ops driver.Backend) (machine, error)

// guestKind is one value of --guest. Each build has its own table of them, guests().
type guestKind struct {
	form          string
	needsRoot     bool
	insteadOfRoot string
	open          guestFactory
}

func (k guestKind) syntax() string { return k.form }

// unixHost is a simulated ESX host behind a unix socket.
func unixHost() backendKind {
	return backendKind{
		form:      "unix:PATH",
		simulated: true,
		check: func(path string) error {
			if path == "" {
				return errors.New("no path")
			}
			return nil
		},
		open: func(_ context.Context, _ settings, path string) (backend, error) {
			t, err := unixesx.New(unixesx.Config{Path: path})
			if err != nil {
				return backend{}, err
			}
			return backend{transport: t, close: func() error { return nil }}, nil
		},
	}
}

// linux is the machine that vmdkd runs on.
func linux() guestKind {
	return guestKind{
		form:      "linux",
		needsRoot: true,
		open: func(s settings, host backend, ops driver.Backend) (machine, error) {
			dev := s.devRoot
			if dev == "" {
				dev = host.devRoot
			}
			sys := s.sysRoot
			if sys == defaultSysRoot && host.sysRoot != "" {
				sys = host.sysRoot
			}
			g, err := linuxguest.New(linuxguest.Config{
				DevRoot: dev, SysRoot: sys, MountRoot: s.mountRoot, Log: s.log,
			})
			if err != nil {
				return machine{}, err
			}
			return machine{g, ops, g.SeenBy, g}, nil
		},
	}
}
