package wire

// Device is the place of an attached disk, as attach answers it. All three are strings on the wire, such as "0", "160"
// and "15.0".
type Device struct {
	Unit                    string
	ControllerPciSlotNumber string
	ControllerPciBusNumber  string
}

// Listed is one element of the reply to list.
type Listed struct {
	Name       string            // "vol@datastore"
	Attributes map[string]string // the original sends it empty; nil after parsing an empty one
}

// Capacity is the size of a volume as human text, such as "100MB".
type Capacity struct {
	Size      string
	Allocated string
}

// Volume is the reply to get (docs/original.md §2.9). The service always sends the first five fields; the others are
// empty if it did not.
type Volume struct {
	CreatedBy  string   // "created by VM"
	Created    string   // "created"
	Status     string   // "status": "attached" or "detached"
	Capacity   Capacity // "capacity"
	Datastore  string   // "datastore": its name, never empty
	AttachedTo string   // "attached to VM"
	Device     *Device  // "attachedVMDevice"
	FSType     string   // "fstype"
	Policy     string   // "vsan-policy-name"
	DiskFormat string   // "diskformat"
	AttachAs   string   // "attach-as"
	Access     string   // "access"
	CloneFrom  string   // "clone-from": "None" if it is no clone
}
