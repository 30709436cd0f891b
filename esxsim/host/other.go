//go:build !linux

package host

import (
	"context"
	"errors"
	"os"
	"syscall"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
)

var errLinuxOnly = errors.New("this works on Linux only")

func allocate(*os.File, int64) error { return errLinuxOnly }

func claim(f *os.File) error { return flock(f, syscall.LOCK_EX|syscall.LOCK_NB) }

func nextData(_ *os.File, at, _ int64) int64 { return at }

type loopBus struct{ trees map[string]tree }

func openLoopBus(Config, *store) (*loopBus, error)                            { return nil, errLinuxOnly }
func (*loopBus) adopt(context.Context, *esxsim.Service) error                 { return nil }
func (*loopBus) busy(esxsim.Volume) bool                                      { return false }
func (*loopBus) close() error                                                 { return nil }
func (*loopBus) Plug(context.Context, string, wire.Device, esxsim.Disk) error { return errLinuxOnly }

func (*loopBus) Unplug(context.Context, string, wire.Device, esxsim.Disk) error { return errLinuxOnly }
