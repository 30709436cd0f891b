package esxsim

import "vmdkvol/driver/wire"

// The faults that a schedule may choose at a checkpoint.
const (
	faultFail     = "fail"
	faultInTask   = "busy"
	faultFileBusy = "file"
)

// What checkpoint answers for them.
const (
	chosenFail = 1
	chosenBusy = 2
	chosenFile = 2
)

// Faults lists the fault points that a driver's requests come to by themselves, with every fault, as op:fault, so that a
// search can say what no run came to. The other points of [Checkpoints] need an option, a quirk or an earlier fault.
func Faults() []string {
	var all []string
	for _, c := range []wire.Command{wire.Create, wire.Remove, wire.Get, wire.Attach, wire.Detach, wire.List} {
		all = append(all, "esx."+string(c)+":"+faultFail)
	}
	for _, p := range []string{
		"create.disk", "create.meta", "attach.plug", "attach.meta", "detach.unplug", "detach.meta", "remove.meta", "remove.disk",
		"poweroff.disk", "poweroff.meta",
	} {
		all = append(all, "esx."+p+":"+faultFail)
	}
	return append(all, "esx.attach.plug:"+faultInTask, "esx.detach.unplug:"+faultInTask, "esx.remove.disk:"+faultFileBusy)
}

// What a search should have seen at least once.
const (
	seenWait = "esx: a command waits for the lock of its volume or VM"
	seenBusy = "esx: an attach or detach meets another task in progress"
	seenHere = "esx: an attach finds the disk attached already"
)

// Sometimes lists what a service tells a Stage that has a method Sometimes(name string, ok bool).
func Sometimes() []string { return []string{seenWait, seenBusy, seenHere} }

// witness is such a Stage.
type witness interface {
	Sometimes(name string, ok bool)
}

// saw tells the stage that something held.
func (s *Service) saw(name string) {
	if s.witness != nil {
		s.witness.Sometimes(name, true)
	}
}

func (s *Service) met(lock held) {
	if lock.waited {
		s.saw(seenWait)
	}
}
