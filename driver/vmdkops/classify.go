package vmdkops

import (
	"strings"

	"vmdkvol/driver/wire"
)

// busyFault is what vSphere answers while another reconfiguration of the same VM is under way (docs/original.md §2.7).
const busyFault = "Another task is already in progress."

// A rule recognises one text of the service. Texts carry names chosen by users, so a rule is anchored at both ends of
// the text where it can be; within is looked for between the anchors.
type rule struct {
	cmd    wire.Command // "" = any
	prefix string
	within string
	suffix string
	kind   Kind
	owner  bool // the last within is followed by the name of the VM that has the disk
}

// rules is tried from the top; the first that fits decides. The comments give sections of docs/original.md.
var rules = []rule{
	// §1.4, §1.7, §1.8: before or around every command
	{prefix: "There is a mismatch between VDVS client (Docker plugin) protocol version", kind: Mismatch},
	{prefix: "Service is being stopped: operation declined!", kind: Unavailable},
	{prefix: "Service is presently unavailable", kind: Unavailable},
	// An exception says nothing about how far the command got: an attach whose device triple cannot be computed has
	// attached the disk (§2.7), a create whose clean-up fails has left one (§2.6).
	{prefix: "Server returned an error: ", kind: Unknown},

	// §2.7, §2.8: a fault of the VM. It comes first: "in progress" may carry the suffix of a stale owner.
	{prefix: busyFault, kind: Busy},
	{suffix: ": " + busyFault, kind: Busy},
	{prefix: "Failed to place new disk - The maximum number of supported volumes", kind: Full},

	// §2.3: names; the quotes are part of the text, their style depends on what they enclose
	{prefix: `"Volume names ending with `, kind: BadName},
	{prefix: `'Volume name is too long`, kind: BadName},
	{prefix: `'Volume name contains illegal characters`, kind: BadName},
	{prefix: `'Datastore name is too long`, kind: BadName},
	{prefix: `"Found multiple datastores with same name`, kind: BadName},
	// §2.4: the same text for the volume's datastore and for that of clone-from, but for its last line
	{cmd: wire.Create, prefix: "Invalid datastore '", within: "\nDefault datastore_url: ", kind: BadOption},
	{prefix: "Invalid datastore '", kind: BadName},

	// §2.6: create
	{cmd: wire.Create, prefix: "File ", suffix: " already exists", kind: Exists},
	{cmd: wire.Create, prefix: "Invalid format for size.", kind: BadOption},
	{cmd: wire.Create, prefix: "Invalid volume size specified.", kind: BadOption},
	{cmd: wire.Create, prefix: "Cannot define the size for a clone", kind: BadOption},
	{cmd: wire.Create, prefix: "Cannot define the filesystem type for a clone", kind: BadOption},
	{cmd: wire.Create, prefix: "Cannot use a VSAN policy on a non-VSAN datastore", kind: BadOption},
	{cmd: wire.Create, prefix: "Policy ", within: " does not exist.", kind: BadOption},
	{cmd: wire.Create, prefix: "Disk Allocation Format '", within: "' is not supported. Valid options are: ", kind: BadOption},
	{cmd: wire.Create, prefix: "Attach type '", within: "' is not supported. Valid options are: ", kind: BadOption},
	{cmd: wire.Create, prefix: "Access type '", within: "' is not supported. Valid options are: ", kind: BadOption},
	{cmd: wire.Create, prefix: "Invalid options: [", within: "Valid options and defaults: ", kind: BadOption},
	{cmd: wire.Create, prefix: "Could not find volume for cloning ", kind: BadOption},
	{cmd: wire.Create, prefix: "Failed to authorize VM: ", kind: Denied},
	{cmd: wire.Create, prefix: "Source volume ", within: " is in use by VM ", suffix: " and can't be cloned.", kind: InUse, owner: true},

	// §2.9, §2.10
	{cmd: wire.Get, prefix: "Volume ", within: " not found (file: ", suffix: ")", kind: NotFound},
	{cmd: wire.Remove, prefix: "Failed to remove volume ", within: ", in use by VM = ", suffix: ".", kind: InUse, owner: true},

	// §2.12: vmgroups, privileges, quotas
	{prefix: "No access privilege exists", kind: Denied},
	{prefix: "No mount privilege", kind: Denied},
	{prefix: "No create privilege", kind: Denied},
	{prefix: "No delete privilege", kind: Denied},
	{prefix: "Volume size exceeds the max volume size limit", kind: Denied},
	{prefix: "The total volume size exceeds the usage quota", kind: Denied},
	{prefix: "VM ", suffix: " does not belong to any vmgroup", kind: Denied},
	{prefix: "Vmgroup ", suffix: " does not exist", kind: Denied},
	{prefix: "Cannot find vmgroup name for vmgroup with ", kind: Denied},
	{prefix: "Get vmgroup ", suffix: " failed", kind: Denied},
	{prefix: "Default datastore is not set for vmgroup ", kind: Denied},

	// §2.7: an attach fault of which only the suffix is known, so it comes late
	{cmd: wire.Attach, within: " already attached to VM=", kind: InUse, owner: true},
	// Faults of vSphere itself for a file that another VM or process holds, passed on by attach (text seen in
	// vmware/vic #2522 and issue #89 of the original) and by remove (issue #2048 of the original). They name nobody.
	{cmd: wire.Attach, within: "Failed to lock the file", kind: InUse},
	{cmd: wire.Remove, prefix: "Failed to remove volume: ", within: "Error caused by file", kind: InUse},
	{cmd: wire.Attach, prefix: "Unable to access file ", within: " since it is locked", kind: InUse},
	{cmd: wire.Remove, prefix: "Failed to remove volume: Unable to access file ", within: " since it is locked", kind: InUse},
}

func (r *rule) fits(cmd wire.Command, text string) bool {
	if r.prefix != "" && (text == "" || text[0] != r.prefix[0]) {
		return false // as most rules: this is the cheapest question
	}
	if r.cmd != "" && r.cmd != cmd {
		return false
	}
	if len(text) < len(r.prefix)+len(r.suffix) || !strings.HasPrefix(text, r.prefix) || !strings.HasSuffix(text, r.suffix) {
		return false
	}
	return r.within == "" || strings.Contains(text[len(r.prefix):len(text)-len(r.suffix)], r.within)
}

// classify says what an error text of the service means as the answer to cmd. A text that no rule knows is Failed.
func classify(cmd wire.Command, text string) (kind Kind, owner string) {
	for i := range rules {
		r := &rules[i]
		if !r.fits(cmd, text) {
			continue
		}
		if !r.owner {
			return r.kind, ""
		}
		owner, current := ownerIn(r, text)
		if current {
			// The metadata names this VM, which does not have the disk: nobody is known to have it.
			return Failed, ""
		}
		return InUse, owner
	}
	return Failed, ""
}

// ownerIn returns the name of the VM in a text that fits r, "" if the service had none (it then prints Python's None),
// and whether the text says that this is the calling VM.
func ownerIn(r *rule, text string) (owner string, current bool) {
	text = text[:len(text)-len(r.suffix)]
	owner = text[strings.LastIndex(text, r.within)+len(r.within):]
	owner, current = strings.CutSuffix(owner, "(Current VM)")
	if owner = strings.TrimSpace(owner); owner == "None" {
		owner = ""
	}
	return owner, current
}
