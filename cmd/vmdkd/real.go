//go:build vmci

package main

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"vmdkvol/driver/vmci"
)

const defaultESX = "vmci:2:1019"

const examples = `  # The ESX host that this VM runs on
  vmdkd

  # A simulated ESX host, by the socket and directories that 'vmdksim serve' names for this VM
  vmdkd --esx unix:/run/esx1/vm1.sock --dev-root /run/esx1/vm1/dev --sys-root /run/esx1/vm1/sys`

func backends() map[string]backendKind {
	return map[string]backendKind{"vmci": vmciHost(), "unix": unixHost()}
}

func guests() map[string]guestKind { return map[string]guestKind{"linux": linux()} }

func (o *options) registerBuild(*pflag.FlagSet) {}

func vmciHost() backendKind {
	return backendKind{
		form:  "vmci:CID:PORT",
		check: func(address string) error { _, err := vmciAddress(address); return err },
		open: func(_ context.Context, _ settings, address string) (backend, error) {
			c, err := vmciAddress(address)
			if err != nil {
				return backend{}, err
			}
			t, err := vmci.New(c)
			if err != nil {
				return backend{}, err
			}
			return backend{transport: t, close: func() error { return nil }}, nil
		},
	}
}

func vmciAddress(address string) (vmci.Config, error) {
	cid, port, ok := strings.Cut(address, ":")
	if !ok {
		return vmci.Config{}, errors.New("no port")
	}
	c, err := strconv.ParseUint(cid, 10, 32)
	if err != nil || c == 0 {
		return vmci.Config{}, errors.New("bad CID")
	}
	p, err := strconv.ParseUint(port, 10, 32)
	if err != nil || p == 0 {
		return vmci.Config{}, errors.New("bad port")
	}
	return vmci.Config{CID: uint32(c), Port: uint32(p)}, nil
}
