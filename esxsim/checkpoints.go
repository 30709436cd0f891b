package esxsim

// Checkpoint is a step of the original at which a schedule may pause, fail or crash the service: the service yields
// there (Stage.Before), then asks which fault the step suffers (Stage.Choose), then does the step.
type Checkpoint struct {
	Name   string   // as in a schedule; the object is the volume part of the name as sent, unless Object says otherwise
	Fact   string   // the section of docs/original.md, and the number of the step there
	Object string   // "" is the volume
	Faults []string // that a schedule may choose
	// Every says that the service stops there only with [Config.EveryStep]: the step reads or decides, and others
	// see nothing of it. It stops at esx.meta.* with [Config.SharedStore], too.
	Every bool
	Step  string // what is done there
}

// Checkpoints returns all checkpoints in the order of the facts. Names are never changed, because schedules hold them.
func Checkpoints() []Checkpoint {
	fail := []string{"fail"}
	busy := []string{"fail", "busy"}
	file := []string{"fail", "file"}
	return []Checkpoint{
		{"esx.unknown", "§2.2 (2)", "", fail, false, "a command that is none; the next seven, too, are the arrival of a request, and stop for no yield of their own"},
		{"esx.create", "§2.2 (2)", "", fail, false, "create arrives; fail: the service is unavailable"},
		{"esx.remove", "§2.2 (2)", "", fail, false, "remove arrives"},
		{"esx.get", "§2.2 (2)", "", fail, false, "get arrives"},
		{"esx.attach", "§2.2 (2)", "", fail, false, "attach arrives"},
		{"esx.detach", "§2.2 (2)", "", fail, false, "detach arrives"},
		{"esx.list", "§2.2 (2)", "", fail, false, "list arrives"},
		{"esx.datastores", "§2.4", "the VM", nil, true, "list fills the cache of datastores; with quirk datastore-cache-race, which is enough to stop there, it has emptied it before"},

		{"esx.create.exists", "§2.6 (1)", "", fail, true, "look whether the volume is there"},
		{"esx.create.options", "§2.6 (2)", "", fail, true, "validate the options"},
		{"esx.create.disk", "§2.6 (4)", "", fail, false, "make the disk"},
		{"esx.create.policy", "§2.6 (5)", "", fail, false, "give the disk its vSAN policy, if one is asked for"},
		{"esx.create.meta", "§2.6 (6)", "", fail, false, "write the metadata"},
		{"esx.create.undo", "§2.6 (5, 6)", "", fail, false, "delete the disk again, after a step that failed"},
		{"esx.create.quota", "§2.6 (7)", "", fail, false, "with vmgroups: charge the volume to its vmgroup; fail: it is not, and the reply is still success"},
		{"esx.clone.source", "§2.6 clone (3)", "", fail, true, "look for the source"},
		{"esx.clone.inuse", "§2.6 clone (5)", "", fail, true, "read who has the source; the answer is only logged"},
		{"esx.clone.copy", "§2.6 clone (7)", "", fail, false, "make the disk of the clone, and begin to copy; both files are locked from here on. A store that cannot be watched (serve) does this and the next two steps at once"},
		{"esx.clone.copied", "§2.6 clone (7)", "", fail, false, "the disk is filled, and both files are free; fail: the copy is taken away"},
		{"esx.clone.sidecar", "§2.6 clone (7)", "", fail, false, "copy the sidecar; fail: there is none"},
		{"esx.clone.meta", "§2.6 clone (8)", "", fail, false, "write the clone's own metadata"},

		{"esx.attach.read", "§2.7 (1)", "", fail, true, "read the metadata; fail: it reads as none"},
		{"esx.attach.repair", "§2.7 (1)", "", fail, false, "only with quirk attach-repairs-stale: clear metadata that looks stale"},
		{"esx.attach.find", "§2.7 (2, 3)", "", fail, true, "find the VM, and the disk in it"},
		{"esx.attach.controller", "§2.7 (4)", "", fail, false, "add a controller, if there is no free unit"},
		{"esx.attach.plug", "§2.7 (5)", "", busy, false, "plug the disk in; busy: another task of the VM is in progress"},
		{"esx.attach.meta", "§2.7 (6)", "", fail, false, "write the metadata; fail: the reply is still success"},
		{"esx.attach.reply", "§2.7 (7)", "", fail, true, "make the reply"},

		{"esx.detach.find", "§2.8", "", fail, true, "find the VM, and the disk in it"},
		{"esx.detach.unplug", "§2.8", "", busy, false, "take the disk out"},
		{"esx.detach.meta", "§2.8", "", fail, false, "write the metadata; fail: the reply is still success"},

		{"esx.get.exists", "§2.9", "", fail, true, "look whether the volume is there"},
		{"esx.get.meta", "§2.9", "", fail, true, "read the metadata; fail: null"},
		{"esx.get.size", "§2.9", "", fail, true, "ask for the disk's size; fail: null"},

		{"esx.list.datastore", "§2.10", "the datastore", fail, true, "read a datastore's directory"},
		{"esx.remove.check", "§2.10 (1)", "", fail, true, "read who has the volume"},
		{"esx.remove.meta", "§2.10 (2)", "", fail, false, "delete the metadata"},
		{"esx.remove.disk", "§2.10 (3)", "", file, false, "delete the disk; file: the kind of fault that is tried again, five times, a second apart"},
		{"esx.remove.restore", "§2.10 (3)", "", fail, false, "write the metadata back, after a disk that could not be deleted"},

		{"esx.remove.quota", "§2.10 (4)", "", fail, false, "with vmgroups: take the volume off the account of its vmgroup"},

		{"esx.lock.new", "§2.11", "the lock", nil, true, "look into the table of locks; with quirk lock-table-race, which is enough to stop there, put a new lock into it"},
		{"esx.admin.relink", "§2.12", "the vmgroup", nil, false, "\"vmgroup update --new-name\" gives the directories of a vmgroup another name: requests under way lose their paths"},
		{"esx.admin.rename", "§2.12", "the vmgroup", nil, false, "... and then the vmgroup in the database: later requests have other names of locks"},
		{"esx.admin.set", "§6.2", "", nil, false, "\"volume set\" writes the metadata that it has read and changed"},
		{"esx.poweroff", "§2.13", "the VM", nil, false, "the VM loses its power, and its disks vanish from the guest"},
		{"esx.poweroff.disk", "§2.13", "", fail, false, "the listener takes a disk out of the VM's configuration; fail: it does not, and leaves the metadata, too"},
		{"esx.poweroff.meta", "§2.13", "", fail, false, "the listener clears the metadata of a disk; fail: it does not"},
		{"esx.suspend", "§2.13", "the VM", nil, false, "the VM is suspended"},
		{"esx.move", "§2.13", "the VM", nil, false, "the VM goes on on another host"},
		{"esx.fail", "§2.13", "the host", nil, false, "the host fails, with all its VMs"},
		{"esx.meta.read", "§2.14", "", []string{"busy"}, true, "open a sidecar to read it; busy: it cannot be opened now, which is tried again six times, a second apart"},
		{"esx.meta.open", "§2.14", "", []string{"busy"}, true, "open a sidecar to write it, which empties it"},
		{"esx.meta.write", "§2.14", "", []string{"fail", "torn"}, true, "fill it; fail: it stays empty; torn: half of it is written"},
		{"esx.stop", "§2.15", "the host", nil, false, "the service is asked to end"},
	}
}

// checkpoint yields, then says which fault, if any, the step that begins here suffers (0: none).
func (s *Service) checkpoint(op, volume string, faults []string) int {
	s.stage.Before(op, volume)
	return s.stage.Choose(op, volume, faults...)
}

// fails is a checkpoint whose only fault is "fail".
func (s *Service) fails(op, volume string) bool {
	return s.checkpoint(op, volume, s.failOnly) != 0
}

// step is a checkpoint of a step that only reads or decides.
func (s *Service) step(op, volume string) (failed bool) {
	return s.cfg.EveryStep && s.checkpoint(op, volume, s.failOnly) != 0
}

// stepFault is what a step answers that has no fault of its own in the original.
const stepFault = "Server returned an error: RuntimeError('simulated fault')"
