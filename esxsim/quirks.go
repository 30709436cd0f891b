package esxsim

// Quirk names a behaviour of the original service that is not what one would build. The letters are those of
// docs/original.md: a defect D was never fixed, so its quirk is on by default; a bug B was, so its quirk is off.
type Quirk string

// The quirks that can be switched. Each says what the service does while it is on.
const (
	// AttachOnce: attach of a disk that is in the VM already fails, as after a restart of the plugin (§2.7, B21).
	AttachOnce Quirk = "attach-once"
	// AttachRepairs: attach believes metadata that names a VM which does not run on this host to be stale, and clears
	// it, although the VM may run on another host (§2.7, B10).
	AttachRepairs Quirk = "attach-repairs-stale"
	// BIOSUUIDFirst: attach and detach look the caller up by its BIOS uuid before its instance uuid, and so find the
	// first of two VMs that share one (§2.1, B14).
	BIOSUUIDFirst Quirk = "bios-uuid-first"
	// BlindListener: at power-off the metadata of the VM's disks is cleared whoever it names (§2.13, B11).
	BlindListener Quirk = "blind-listener"
	// BusyOnce: a sidecar that is busy is not tried again (§2.14, B4).
	BusyOnce Quirk = "busy-once"
	// BusyUnderLock: the pauses before a busy sidecar is tried again are made with the lock of all metadata (§2.14, D16).
	BusyUnderLock Quirk = "busy-under-lock"
	// CloneDeadlock: a clone takes the lock of its source while it holds that of its destination, in any order, even
	// if both have one name (§2.6, D9). Off: both are taken in the order of their names, one name once.
	CloneDeadlock Quirk = "clone-deadlock"
	// CloneInheritsOwner: a clone copies from its source's metadata who has the disk (§2.6, D11). Off: it is detached.
	CloneInheritsOwner Quirk = "clone-inherits-owner"
	// CloneKeepsSidecar: a clone keeps the sidecar that was copied with its source's disk, as VVol did, and so the options and the
	// owner of its source (§2.14, B22). Here it does on every datastore.
	CloneKeepsSidecar Quirk = "clone-keeps-sidecar"
	// CloneSourceUnlocked: a clone locks its source under a name that nobody else uses (§2.6, B7).
	CloneSourceUnlocked Quirk = "clone-source-unlocked"
	// ClonesUncounted: clones are not charged to the quota of their vmgroup (§2.6, D10).
	ClonesUncounted Quirk = "clones-uncounted"
	// ConfigRestarts: each "config init" and "config rm" ends the process, and a watchdog that has seen it end too often too
	// quickly does not start it again (§2.15, B17).
	ConfigRestarts Quirk = "config-restarts"
	// ControllerWithDisk: a new controller comes in the same task as the disk, which crashes the VM (§2.7, B19).
	ControllerWithDisk Quirk = "controller-with-disk"
	// CreateRepeats: create of a volume that exists is a success (§2.6, B12).
	CreateRepeats Quirk = "create-existing-ok"
	// DatastoreCacheRace: list empties the cache of datastores before it fills it again (§2.4, B15).
	DatastoreCacheRace Quirk = "datastore-cache-race"
	// DBHandleShared: all requests use the handle to the config database that one of them has opened, which SQLite refuses while
	// that one runs (§2.12, B2).
	DBHandleShared Quirk = "db-handle-shared"
	// DetachFaultEnds: a fault of the reconfigure task of a detach ends the process, and a watchdog starts it again (§2.8, B20).
	DetachFaultEnds Quirk = "detach-fault-ends"
	// DiskLibUnlocked: the disk library is called without its lock, and whoever reads metadata while another call runs gets
	// nothing that can be read (§2.11, B3).
	DiskLibUnlocked Quirk = "disklib-unlocked"
	// FileLockIgnored: a datastore does not keep its file locks, so that a second VM gets a disk that one has. No release and no
	// datastore did this: it is what every promise between hosts rests on (§2.11, H13).
	FileLockIgnored Quirk = "file-lock-ignored"
	// FirstSnapshotIgnored: a power-state listener that has connected, or connected again, ignores which VMs are off
	// already, so that their disks stay in their configurations (§2.13).
	FirstSnapshotIgnored Quirk = "first-snapshot-ignored"
	// ForceDetachBroken: a detach for a VM that has no vmgroup any more fails in its own code (§2.8, D17).
	ForceDetachBroken Quirk = "force-detach-broken"
	// GlobNames: a volume's snapshots are looked for with its name as a pattern, so that the volume "a*" takes those
	// of "ab" for its own (§2.3, §2.5, D20).
	GlobNames Quirk = "glob-names"
	// HomeDatastoreLock: the lock of a volume is named after the home datastore of the calling VM instead of the
	// volume's own, so two VMs with different homes do not exclude each other (§2.11, D8).
	HomeDatastoreLock Quirk = "home-datastore-lock"
	// ListenerEnds: the power-state listener gives up 62 seconds after hostd was lost (§2.13).
	ListenerEnds Quirk = "listener-ends"
	// ListenerUnchecked: the power-state listener does not ask whether the VM runs again, and takes its disks away then, too
	// (§2.13).
	ListenerUnchecked Quirk = "listener-unchecked"
	// LockByName: the lock of a volume is named after the volume alone, so that equal names on all datastores wait for
	// each other (§2.11, B8).
	LockByName Quirk = "lock-by-name"
	// LockTableRace: a lock that is not in the table is made outside the table's guard, so that two tasks can each
	// have a lock of one name (§2.11, B1).
	LockTableRace Quirk = "lock-table-race"
	// MalformedErrors: the error of a failed controller is a list instead of a text (§1.8, D15).
	MalformedErrors Quirk = "malformed-errors"
	// MismatchExecutes: a request of another version is refused, and executed (§1.7, B13).
	MismatchExecutes Quirk = "mismatch-executes"
	// NoForceDetach: a VM without a vmgroup is refused a detach like everything else (§2.8, B18).
	NoForceDetach Quirk = "no-force-detach"
	// NoVMLock: attach and detach take no lock of the VM, so a second one at the same time fails with "Another task
	// is already in progress." The last release had the lock (§2.7, §2.11, B9).
	NoVMLock Quirk = "no-vm-lock"
	// NullGet: get of a volume whose metadata cannot be read, or lacks who made it and when, answers null (§2.9, D14).
	// Off: the former is an error, and the latter answers what is known.
	NullGet Quirk = "null-get"
	// OptionsLost: attach and detach replace metadata that they cannot read by a record without options (§2.14, D12).
	// Off: they leave it alone.
	OptionsLost Quirk = "options-lost"
	// OrphansRunOn: a request is executed although whoever sent it has gone meanwhile, so that it overlaps its own repetition
	// (§1.9, D23). Off: it ends without effect when it has the lock of its volume.
	OrphansRunOn Quirk = "orphans-run-on"
	// OwnerByName: at power-off the metadata is cleared if it names a VM with the same display name
	// (§2.13, D28). Off: the uuid decides.
	OwnerByName Quirk = "owner-by-name"
	// QuotaRace: a create looks for room in the quota first and takes it last, so that others find the same room
	// (§2.12, D10). Off: it takes it before the disk is made.
	QuotaRace Quirk = "quota-race"
	// RemoveInUse: remove does not ask whether the volume is attached, and a failure does not bring the metadata
	// back (§2.10, B6).
	RemoveInUse Quirk = "remove-in-use"
	// RemoveOnce: remove does not try again after "Error caused by file" (§2.10, B5).
	RemoveOnce Quirk = "remove-once"
	// ReservedNames: names that end with -flat, -delta, -ctk or -digest are accepted, never listed, and collide with
	// the files of another volume; list drops every ".vmdk" from a name (§2.3, D20). Off: such names are refused.
	ReservedNames Quirk = "reserved-names"
	// SetUnlocked: "volume set" changes the metadata without the lock of the volume, and undoes what others write
	// meanwhile (§2.14, D12).
	SetUnlocked Quirk = "set-unlocked"
	// StaleAttached: detach of a disk that is not in the VM leaves the metadata alone, even if it says attached
	// to that VM (§2.8, D19).
	StaleAttached Quirk = "stale-attached"
	// StopKills: a stop does not wait for commands in flight (§2.15, B16).
	StopKills Quirk = "stop-kills"
	// StopLivesOn: a stop that has waited for 20 seconds gives up, and the process lives on and declines everything
	// (§2.15, D22).
	StopLivesOn Quirk = "stop-lives-on"
	// TornMetadata: metadata is written in place, so that a crash leaves, and another host sees, an empty or half a file
	// (§2.14, D12).
	TornMetadata Quirk = "torn-metadata"
	// VmgroupByName: locks and paths of volumes have the name of their vmgroup in them, so that a request that came
	// before a rename excludes none that comes after it, and does not find its files any more (§2.11, D29). Off: they
	// have its uuid.
	VmgroupByName Quirk = "vmgroup-by-name"
)

// QuirkFact describes a quirk.
type QuirkFact struct {
	Name    Quirk
	Fact    string // where docs/original.md describes it
	Default bool   // what the last release did
}

// The bits of switches, in the order of quirkTable.
const (
	attachOnce switches = 1 << iota
	attachRepairs
	biosUUIDFirst
	blindListener
	busyOnce
	busyUnderLock
	cloneDeadlock
	cloneInheritsOwner
	cloneKeepsSidecar
	cloneSourceUnlocked
	clonesUncounted
	configRestarts
	controllerWithDisk
	createRepeats
	datastoreCacheRace
	dbHandleShared
	detachFaultEnds
	diskLibUnlocked
	fileLockIgnored
	firstIgnored
	forceDetachBroken
	globNames
	homeLock
	listenerEnds
	listenerBlindly
	lockByName
	lockTableRace
	malformedErrors
	mismatchExecutes
	noForceDetach
	noVMLock
	nullGet
	optionsLost
	orphansRunOn
	ownerByName
	quotaRace
	removeInUse
	removeOnce
	reservedNames
	setUnlocked
	staleAttached
	stopKills
	stopLivesOn
	tornMetadata
	vmgroupByName

	// faithful is what the last release did.
	faithful = busyUnderLock | cloneDeadlock | cloneInheritsOwner | clonesUncounted | firstIgnored |
		forceDetachBroken | globNames | homeLock | listenerEnds | listenerBlindly | malformedErrors |
		nullGet | optionsLost | orphansRunOn | ownerByName | quotaRace | reservedNames | setUnlocked | staleAttached |
		stopLivesOn | tornMetadata | vmgroupByName
)

// quirkTable is sorted by name.
func quirkTable() [45]QuirkFact {
	return [...]QuirkFact{
		{AttachOnce, "docs/original.md §2.7, B21", false},
		{AttachRepairs, "docs/original.md §2.7, B10", false},
		{BIOSUUIDFirst, "docs/original.md §2.1, B14", false},
		{BlindListener, "docs/original.md §2.13, B11", false},
		{BusyOnce, "docs/original.md §2.14, B4", false},
		{BusyUnderLock, "docs/original.md §2.14, D16", true},
		{CloneDeadlock, "docs/original.md §2.6, D9", true},
		{CloneInheritsOwner, "docs/original.md §2.6, D11", true},
		{CloneKeepsSidecar, "docs/original.md §2.14, B22", false},
		{CloneSourceUnlocked, "docs/original.md §2.6, B7", false},
		{ClonesUncounted, "docs/original.md §2.6, D10", true},
		{ConfigRestarts, "docs/original.md §2.15, B17", false},
		{ControllerWithDisk, "docs/original.md §2.7, B19", false},
		{CreateRepeats, "docs/original.md §2.6, B12", false},
		{DatastoreCacheRace, "docs/original.md §2.4, B15", false},
		{DBHandleShared, "docs/original.md §2.12, B2", false},
		{DetachFaultEnds, "docs/original.md §2.8, B20", false},
		{DiskLibUnlocked, "docs/original.md §2.11, B3", false},
		{FileLockIgnored, "docs/original.md §2.11, H13", false},
		{FirstSnapshotIgnored, "docs/original.md §2.13", true},
		{ForceDetachBroken, "docs/original.md §2.8, D17", true},
		{GlobNames, "docs/original.md §2.5, D20", true},
		{HomeDatastoreLock, "docs/original.md §2.11, D8", true},
		{ListenerEnds, "docs/original.md §2.13", true},
		{ListenerUnchecked, "docs/original.md §2.13", true},
		{LockByName, "docs/original.md §2.11, B8", false},
		{LockTableRace, "docs/original.md §2.11, B1", false},
		{MalformedErrors, "docs/original.md §1.8, D15", true},
		{MismatchExecutes, "docs/original.md §1.7, B13", false},
		{NoForceDetach, "docs/original.md §2.8, B18", false},
		{NoVMLock, "docs/original.md §2.7, §2.11, B9", false},
		{NullGet, "docs/original.md §2.9, D14", true},
		{OptionsLost, "docs/original.md §2.14, D12", true},
		{OrphansRunOn, "docs/original.md §1.9, D23", true},
		{OwnerByName, "docs/original.md §2.13, D28", true},
		{QuotaRace, "docs/original.md §2.12, D10", true},
		{RemoveInUse, "docs/original.md §2.10, B6", false},
		{RemoveOnce, "docs/original.md §2.10, B5", false},
		{ReservedNames, "docs/original.md §2.3, D20", true},
		{SetUnlocked, "docs/original.md §2.14, D12", true},
		{StaleAttached, "docs/original.md §2.8, D19", true},
		{StopKills, "docs/original.md §2.15, B16", false},
		{StopLivesOn, "docs/original.md §2.15, D22", true},
		{TornMetadata, "docs/original.md §2.14, D12", true},
		{VmgroupByName, "docs/original.md §2.11, D29", true},
	}
}

// QuirkList returns all quirks, sorted by name.
func QuirkList() []QuirkFact {
	table := quirkTable()
	return table[:]
}
