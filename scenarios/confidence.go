package scenarios

import (
	"context"
	"errors"
	"slices"

	"vmdkvol/dockersim"
	"vmdkvol/driver"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/vmcisim"
)

// FaultKinds lists every kind of fault that a run of the script can have, as op:fault, sorted.
func (s *Script) FaultKinds() []string {
	var rare *vmcisim.Faults
	if len(s.Rare) > 0 {
		rare, _ = vmcisim.ParseFaults(s.Rare...) // the parser has seen to mistakes
	}
	kinds := slices.Concat(vmcisim.FaultPoints(rare), esxsim.Faults(), guestsim.Faults())
	if s.Recovery > 0 {
		kinds = append(kinds, dockersim.Faults()...)
	}
	for _, v := range Verbs() {
		if v.Group != dockerGroup {
			continue
		}
		for _, fault := range s.dockerFaults() {
			kinds = append(kinds, dockerPoint(v.Name)+":"+fault)
		}
	}
	kinds = append(kinds, explore.EarlyTimer)
	slices.Sort(kinds)
	return kinds
}

// What a search should have seen at least once. They are said where it is cheap: at calls and answers.
const (
	seenCrowd     = "driver: two operations wait for one volume's lock"
	seenJoin      = "driver: a Mount joins one that others hold"
	seenLeftover  = "driver: a Mount finds the disk mounted though nobody holds it"
	seenPostponed = "driver: an Unmount is postponed"
	seenGone      = "docker: a call ends because its caller is gone"
	seenCut       = "crash: a request is cut"
	seenOrphan    = "crash: a request of a plugin that is gone is still in flight"
)

// Sometimes lists what the runs of a script can say to explore.Coverage, sorted: without crashes if the script has none,
// and without what needs a fault if there is none.
func (s *Script) Sometimes(faults bool) []string {
	names := slices.Concat(vmcisim.Sometimes(faults), esxsim.Sometimes(), []string{seenCrowd, seenJoin})
	if faults {
		names = append(names, seenLeftover, seenPostponed, seenGone)
	}
	crashes := slices.ContainsFunc(s.Clients, func(c Client) bool {
		return slices.ContainsFunc(c.Ops, func(o Op) bool { return disruptive(o.Verb) })
	})
	if crashes || len(s.Crashes) > 0 {
		names = append(names, seenCut, seenOrphan)
	}
	slices.Sort(names)
	return names
}

// sawCall says what a call finds when it begins.
func (j *judge) sawCall(c *Call) {
	if c.Op.Verb != "mount" {
		return
	}
	volume := volumePart(c.Op.Volume)
	_, mounted := c.host.guest.At(mountRoot + "/" + volume + "@" + datastore)
	c.leftover = mounted && j.holds(c.host, c.volume) == 0 && !slices.ContainsFunc(j.calls, func(o *Call) bool {
		return o != c && o.host == c.host && o.Answer == "" && volumePart(o.Op.Volume) == volume
	})
}

// sawCrash says what the end of a plugin's life leaves behind.
func (j *judge) sawCrash(h *host) {
	j.w.k.Sometimes(seenOrphan, slices.ContainsFunc(h.site().net.Pending(), func(m vmcisim.InFlight) bool { return m.Peer == h.name }))
}

// sawAnswer says what an answer shows.
func (j *judge) sawAnswer(c *Call, err error) {
	k, volume := j.w.k, volumePart(c.Op.Volume)
	if c.Op.Volume != "" && k.Standing("lock", volume) > 1 {
		k.Sometimes(seenCrowd, true)
	}
	switch {
	case c.Op.Verb == "mount" && err == nil && c.Answer == okAnswer:
		k.Sometimes(seenLeftover, c.leftover)
		k.Sometimes(seenJoin, j.holds(c.host, c.volume) > 0)
	case c.Op.Verb == "unmount" && c.kind == driver.Busy.String():
		k.Sometimes(seenPostponed, true)
	case c.Answer == droppedAnswer && !c.missed:
		k.Sometimes(seenCut, true)
	}
	if errors.Is(err, context.Canceled) {
		k.Sometimes(seenGone, true)
	}
}
