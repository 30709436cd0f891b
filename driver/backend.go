package driver

import (
	"context"

	"vmdkvol/driver/wire"
)

// Place is where the ESX host plugged a disk into this VM.
type Place = wire.Device

// Backend is the ESX host as the driver needs it. vmdkops.Client is the one over VMCI; errors are *vmdkops.Error.
// All methods are safe for concurrent use.
type Backend interface {
	Create(ctx context.Context, name string, opts map[string]string) error
	Remove(ctx context.Context, name string) error
	Attach(ctx context.Context, name string) (Place, error)
	Detach(ctx context.Context, name string) error
	Get(ctx context.Context, name string) (wire.Volume, error)
	List(ctx context.Context) (names []string, err error)
}
