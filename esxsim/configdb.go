package esxsim

import (
	"context"
	"errors"
)

// Member is a VM in a vmgroup.
type Member struct {
	BIOSUUID string
	Name     string // when it was added
}

// Record is all that a config database has of a vmgroup, but for its volumes.
type Record struct {
	Vmgroup
	VMs    []Member    // sorted by name
	Access []Privilege // sorted by datastore
}

// ConfigDB is a config database as its administrator needs it. It outlives services, and several hosts may share one.
type ConfigDB interface {
	Authority
	// Records returns all vmgroups, sorted by name. The caller may change them.
	Records(ctx context.Context) ([]Record, error)
	// Put creates the vmgroup with that uuid, or replaces all of it. ErrTaken if its name or one of its VMs is another
	// vmgroup's; then nothing has changed.
	Put(ctx context.Context, r Record) error
	// Drop removes the vmgroup with that uuid and all that is charged to it, if there is one.
	Drop(ctx context.Context, uuid string) error
}

// ErrTaken is in the error of [ConfigDB.Put].
var ErrTaken = errors.New("the name or a VM is another vmgroup's")

// FirstRecord is the vmgroup of a new database: _DEFAULT, which may do everything (docs/original.md §2.12).
func FirstRecord() Record {
	return Record{
		Vmgroup: Vmgroup{
			UUID: DefaultVmgroupUUID, Name: DefaultVmgroup,
			Description: "VMs that are in no other vmgroup", DefaultDatastore: HomeDatastore,
		},
		Access: []Privilege{{Datastore: AllDatastores, Create: true}, {Datastore: HomeDatastore, Create: true}},
	}
}
