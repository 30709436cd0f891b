package esxsim

import (
	"context"

	"vmdkvol/driver/wire"
)

// Bus is the virtual hardware of the VMs: it makes a disk appear in a running guest, or vanish from it. The service
// calls it with the disk's file lock held and the place free, and never twice at once for one disk. An error is the
// fault text of the reconfigure task.
//
// Methods are safe for concurrent use on different disks.
type Bus interface {
	// Plug puts the disk into the VM (a [VM.ID]) at a place; the disk is visible when it returns nil, and it is not
	// when it returns an error.
	Plug(ctx context.Context, vm string, at wire.Device, d Disk) error
	// Unplug takes the disk away, whatever the guest does with it at that moment. After an error the disk is still
	// there.
	Unplug(ctx context.Context, vm string, at wire.Device, d Disk) error
}
