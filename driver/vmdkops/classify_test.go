package vmdkops_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

const file = "/vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk"

const mismatch = `There is a mismatch between VDVS client (Docker plugin) protocol version
                                    (2) and server (ESXi) protocol version (3) which indicates different
                                    versions of the product are installed on Guest and ESXi sides,
                                    please make sure VDVS plugin and driver are from the same release version.
                                    `

// texts is every error text that docs/original.md gives as an answer to a command, with the section.
var texts = []struct {
	section string
	cmd     wire.Command
	text    string
	kind    vmdkops.Kind
	owner   string
}{
	{"1.4", wire.Attach, "Service is being stopped: operation declined!", vmdkops.Unavailable, ""},
	{"1.4", wire.Create, "Service is presently unavailable, ensure the ESXi Host Agent is running on this host", vmdkops.Unavailable, ""},
	{"1.7", wire.Get, mismatch, vmdkops.Mismatch, ""},
	{"1.7", wire.GetVersion, mismatch, vmdkops.Mismatch, ""},
	{"1.7", wire.Create, "Server returned an error: ValueError(\"invalid literal for int() with base 10: 'x'\",)", vmdkops.Unknown, ""},
	{"1.8", wire.Create, "Failed to parse json 'b'{''.", vmdkops.Failed, ""},
	{"1.8", wire.Get, "Server returned an error: KeyError('details',)", vmdkops.Unknown, ""},
	{"1.8", wire.Detach, "Unknown command:detach", vmdkops.Failed, ""},

	{"2.3", wire.Create, `"Volume names ending with '-NNNNNN' (where N is a digit) are not supported"`, vmdkops.BadName, ""},
	{"2.3", wire.Get, `'Volume name is too long (max len is 100)'`, vmdkops.BadName, ""},
	{"2.3", wire.Attach, `'Volume name contains illegal characters: /'`, vmdkops.BadName, ""},
	{"2.3", wire.Remove, `'Datastore name is too long (max len is 100)'`, vmdkops.BadName, ""},
	{"2.3", wire.Get, `"Found multiple datastores with same name (ignoring case difference): ['ds1', 'DS1']"`, vmdkops.BadName, ""},
	{"2.4", wire.Create, "Invalid datastore 'x'.\nKnown datastores: ds1, ds2.\nDefault datastore: ds1", vmdkops.BadName, ""},
	{"2.4", wire.Get, "Invalid datastore 'x'.\nKnown datastores: .\nDefault datastore: ds1", vmdkops.BadName, ""},
	{"2.4", wire.Create, "Invalid datastore 'x'.\nKnown datastores: ds1.\nDefault datastore_url: /vmfs/volumes/1/", vmdkops.BadOption, ""},
	{"2.5", wire.Create, "/vmfs/volumes/ds1/dockvols creation failed - no space on datastore ds1", vmdkops.Failed, ""},
	{"2.5", wire.Create, "Failed to initialize volume path /vmfs/volumes/ds1/dockvols/x - no space", vmdkops.Failed, ""},

	{"2.6", wire.Create, "File " + file + " already exists", vmdkops.Exists, ""},
	{"2.6", wire.Create, "Invalid format for size. \nValid sizes must be of form X[mMgGtT]b where X is an integer. Default = 100mb", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Invalid volume size specified.", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Cannot define the size for a clone", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Cannot define the filesystem type for a clone", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Cannot use a VSAN policy on a non-VSAN datastore", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Policy gold does not exist.", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Policy gold does not exist. Available policies are: ['silver']", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Disk Allocation Format 'thiN' is not supported. Valid options are: ['thin'].", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Attach type 'x' is not supported. Valid options are: ['independent_persistent', 'persistent']", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Access type 'x' is not supported. Valid options are: ['read-write', 'read-only']", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Invalid options: ['sise'] \nValid options and defaults: [('size', '100mb')]", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Failed to create volume: A specified parameter was not correct", vmdkops.Failed, ""},
	{"2.6", wire.Create, "Failed to create volume v: policy is malformed", vmdkops.Failed, ""},
	{"2.6", wire.Create, "Failed to create metadata kv store for " + file, vmdkops.Failed, ""},
	{"2.6", wire.Create, "Server returned an error: TypeError('unsupported operand',)", vmdkops.Unknown, ""},
	{"2.6", wire.Create, "Failed to authorize VM: No mount privilege, datastore: ds1", vmdkops.Denied, ""},
	{"2.6", wire.Create, "Could not find volume for cloning src@ds1", vmdkops.BadOption, ""},
	{"2.6", wire.Create, "Source volume src is in use by VM vm 2 and can't be cloned.", vmdkops.InUse, "vm 2"},
	{"2.6", wire.Create, "Failed to clone volume: Insufficient disk space", vmdkops.Failed, ""},
	{"2.6", wire.Create, "Failed to create volume KV for v", vmdkops.Failed, ""},

	{"2.7", wire.Attach, "Failed to find VM object for vm1 (bios 564d vc None)", vmdkops.Failed, ""},
	{"2.7", wire.Attach, "Failed to place new disk - The maximum number of supported volumes has been reached.", vmdkops.Full, ""},
	{"2.7", wire.Attach, "Another task is already in progress.", vmdkops.Busy, ""},
	{"2.7", wire.Attach, "Another task is already in progress. disk " + file + " already attached to VM=vm2", vmdkops.Busy, ""},
	{"2.7", wire.Attach, "Invalid configuration for device '0'. disk " + file + " already attached to VM=vm2", vmdkops.InUse, "vm2"},
	{"2.7", wire.Attach, "Failed to lock the file disk " + file + " already attached to VM=a vm", vmdkops.InUse, "a vm"},
	{"2.7", wire.Attach, "Failed to lock the file disk " + file + " already attached to VM=None", vmdkops.InUse, ""},
	{"2.7", wire.Attach, "Invalid configuration for device '0'. disk " + file + " already attached to VM=vm1(Current VM)", vmdkops.Failed, ""},
	{"2.7", wire.Attach, "Invalid configuration for device '0'. disk " + file + " already attached to VM=vm1 (Current VM)", vmdkops.Failed, ""},
	{"2.7", wire.Attach, "Failed to lock the file", vmdkops.InUse, ""},
	{"2.7", wire.Attach, "File not found", vmdkops.Failed, ""},
	{"2.7", wire.Attach, "Server returned an error: TypeError('sequence item 0: expected str instance, NoneType found',)", vmdkops.Unknown, ""},

	{"2.8", wire.Detach, "Failed to detach " + file + ": Another task is already in progress.", vmdkops.Busy, ""},
	{"2.8", wire.Detach, "Failed to detach " + file + ": The operation is not allowed in the current state.", vmdkops.Failed, ""},
	{"2.8", wire.Detach, "Server returned an error: UnboundLocalError(...)", vmdkops.Unknown, ""},

	{"2.9", wire.Get, "Volume v not found (file: " + file + ")", vmdkops.NotFound, ""},
	{"2.10", wire.Remove, "Failed to remove volume v, in use by VM = vm1.", vmdkops.InUse, "vm1"},
	{"2.10", wire.Remove, "Failed to remove volume v, in use by VM = web.example.", vmdkops.InUse, "web.example"},
	{"2.10", wire.Remove, "Failed to remove volume v, in use by VM = None.", vmdkops.InUse, ""},
	{"2.10", wire.Remove, "Failed to remove volume: Error caused by file " + file, vmdkops.InUse, ""},
	{"2.10", wire.Remove, "Failed to remove volume: Unable to access file " + file + " since it is locked", vmdkops.InUse, ""},
	{"2.7", wire.Attach, "Unable to access file " + file + " since it is locked", vmdkops.InUse, ""},
	{"2.10", wire.Remove, "Failed to remove volume: Insufficient permission", vmdkops.Failed, ""},

	{"2.12", wire.Get, "No access privilege exists", vmdkops.Denied, ""},
	{"2.12", wire.Attach, "No mount privilege", vmdkops.Denied, ""},
	{"2.12", wire.Create, "No create privilege", vmdkops.Denied, ""},
	{"2.12", wire.Remove, "No delete privilege", vmdkops.Denied, ""},
	{"2.12", wire.Create, "Volume size exceeds the max volume size limit", vmdkops.Denied, ""},
	{"2.12", wire.Create, "The total volume size exceeds the usage quota", vmdkops.Denied, ""},
	{"2.12", wire.Get, "VM vm1 does not belong to any vmgroup", vmdkops.Denied, ""},
	{"2.12", wire.Get, "Vmgroup dev does not exist", vmdkops.Denied, ""},
	{"2.12", wire.Get, "Cannot find vmgroup name for vmgroup with 1111", vmdkops.Denied, ""},
	{"2.12", wire.Get, "Get vmgroup dev failed", vmdkops.Denied, ""},
	{"2.12", wire.Create, "Default datastore is not set for vmgroup dev", vmdkops.Denied, ""},
	{"2.12", wire.Get, "DB connection error at /etc/vmware/vmdkops/auth-db", vmdkops.Failed, ""},
	{"2.12", wire.Get, "DB access error at /etc/vmware/vmdkops/auth-db: disk I/O error", vmdkops.Failed, ""},
	{"2.12", wire.Get, "Internal Error(x)", vmdkops.Failed, ""},

	// Texts that only look like one of the above.
	{"", wire.Create, "Volume v not found (file: " + file + ")", vmdkops.Failed, ""},
	{"", wire.Get, "File " + file + " already exists", vmdkops.Failed, ""},
	{"", wire.Get, "the message 'Volume v not found (file: x)' was not expected", vmdkops.Failed, ""},
	{"", wire.Create, "Failed to create volume: File x already exists", vmdkops.Failed, ""},
	{"", wire.Attach, "File [ds1] x, in use by VM = vm1. was not found", vmdkops.Failed, ""},
	{"", wire.Remove, "Failed to remove volume a, in use by VM = b, in use by VM = vm1.", vmdkops.InUse, "vm1"},
	{"", wire.Get, "Volume ", vmdkops.Failed, ""},
	{"", wire.Get, "null", vmdkops.Failed, ""},
}

func TestEveryTextHasItsKind(t *testing.T) {
	for _, test := range texts {
		c := find(t, test.cmd)
		r := newRig(t, 20, told(test.text))
		err := c.call(r.ctx, r.client)
		var e *vmdkops.Error
		require.ErrorAs(t, err, &e)
		if test.kind == vmdkops.Busy { // the only one that is repeated until the context ends
			require.Len(t, r.sent, 20, "§%s %s %q", test.section, test.cmd, test.text)
			require.Equal(t, vmdkops.NotSent, e.Kind)
			continue
		}
		require.Less(t, len(r.sent), 20, "§%s %s %q", test.section, test.cmd, test.text)
		require.Equal(t, test.kind, e.Kind, "§%s %s %q", test.section, test.cmd, test.text)
		require.Equal(t, test.owner, e.Owner, "§%s %s %q", test.section, test.cmd, test.text)
		require.Equal(t, test.cmd, e.Cmd)
		var reply *wire.ErrorReply
		require.ErrorAs(t, err, &reply)
		require.Equal(t, test.text, reply.Text)
	}
}
