package scenarios

import (
	"context"
	"fmt"
	"maps"
	"math"

	"vmdkvol/esxsim"
	"vmdkvol/model"
)

// The oracles of this package. Those of guestsim (mkfs on data, surprise removal and others) and of the explorer (panic,
// deadlock, livelock) watch as well.
const (
	// OracleReply: a Mount was answered before its mountpoint was the disk, or with the wrong access mode (I4).
	OracleReply = "reply-before-mounted"
	// OracleHolder: a container holds a volume, and its mountpoint has stopped being the disk (I4).
	OracleHolder = "bare-directory"
	// OracleModel: no order of the operations explains their answers (I9).
	OracleModel = "not-linearizable"
	// OracleEnd: when all is done, references, mounts and attachments disagree (I1, I2, I3).
	OracleEnd = "state-at-end"
	// OraclePending: when all is done, something is still in flight or locked (I10).
	OraclePending = "pending-at-end"
)

// holder is a container that was told that a volume is mounted.
type holder struct {
	client, id string
	volume     string // volume part
	mountpoint string
}

// judge watches one run.
type judge struct {
	w       *World
	time    int64
	calls   []*Call
	holders []holder       // of which it is certain
	refs    map[string]int // at the end, by full name
	seen    uint64         // guest.Version at the last look
}

func (j *judge) invoke(client string, op Op) *Call {
	j.time++
	c := &Call{Client: client, Op: op, invoked: j.time, returned: math.MaxInt64}
	j.calls = append(j.calls, c)
	j.w.k.Note(op.String())
	if op.Verb == "unmount" {
		j.forget(client, op)
	}
	return c
}

func (j *judge) answer(c *Call, mountpoint, answer string, err error) {
	j.time++
	c.returned, c.Answer, c.mountpoint = j.time, answer, mountpoint
	if err != nil {
		j.w.k.Note(c.Op.String() + " -> " + answer + ": " + err.Error())
	} else {
		j.w.k.Note(c.Op.String() + " -> " + answer)
	}
	if c.Op.Verb == "mount" && answer == okAnswer {
		h := holder{c.Client, c.Op.ID, volumePart(c.Op.Volume), mountpoint}
		if j.unmounting(c) {
			return
		}
		if why := j.bare(h); why != "" {
			j.w.k.Fail(OracleReply, fmt.Sprintf("%s was told that %s is mounted at %s, but %s", h.client, c.Op.Volume, mountpoint, why))
		}
		j.holders = append(j.holders, h)
	}
}

// unmounting reports whether an Unmount of the same reference overlaps a Mount: then nobody can say that it is held.
func (j *judge) unmounting(mount *Call) bool {
	for _, c := range j.calls {
		if c.Op.Verb == "unmount" && c.Op.ID == mount.Op.ID && c.returned > mount.invoked &&
			volumePart(c.Op.Volume) == volumePart(mount.Op.Volume) {
			return true
		}
	}
	return false
}

// forget ends the hold of a container that unmounts; from its Unmount on it uses the volume no more.
func (j *judge) forget(client string, op Op) {
	for i, h := range j.holders {
		if h.id == op.ID && h.volume == volumePart(op.Volume) {
			j.holders = append(j.holders[:i], j.holders[i+1:]...)
			return
		}
	}
}

// bare says what is wrong with a holder's mountpoint, "" if nothing is.
func (j *judge) bare(h holder) string {
	m, ok := j.w.guest.At(h.mountpoint)
	switch {
	case !ok:
		return "nothing is mounted there"
	case m.Removed:
		return "the disk under it is gone"
	case m.ReadOnly != j.w.readOnly(h.volume):
		return "the access mode is wrong"
	}
	return ""
}

// step looks at the state that a step has left.
func (j *judge) step() {
	v := j.w.guest.Version()
	if v == j.seen {
		return
	}
	j.seen = v
	for _, h := range j.holders {
		if why := j.bare(h); why != "" {
			j.w.k.Fail(OracleHolder, fmt.Sprintf("container %s holds %s at %s, but %s", h.client, h.volume, h.mountpoint, why))
		}
	}
}

// readOnly is the access mode that the volume's metadata asks for.
func (w *World) readOnly(volume string) bool {
	meta, ok := w.store.Meta(datastore, volume)
	return ok && meta.VolOpts["access"] == "read-only"
}

// end judges the run as a whole.
func (j *judge) end() {
	w := j.w
	if !w.service.Idle() || len(w.net.Pending()) > 0 {
		w.k.Fail(OraclePending, fmt.Sprintf("the service is busy, or in flight: %v", w.net.Pending()))
		return
	}
	if why := j.explain(); why != "" {
		w.k.Fail(OracleModel, why)
		return
	}
	refs, err := w.driver.References(context.Background())
	j.refs = maps.Clone(refs)
	if err != nil {
		w.k.Fail(OracleEnd, err.Error())
		return
	}
	for _, d := range w.store.Disks() {
		full := d.Name + "@" + datastore
		if why := j.endOf(d, refs[full]); why != "" {
			w.k.Fail(OracleEnd, full+" "+why)
			return
		}
		delete(refs, full)
	}
	for full, n := range refs {
		if n > 0 {
			w.k.Fail(OracleEnd, fmt.Sprintf("%s has %d references, but does not exist", full, n))
		}
	}
}

// endOf compares what is left of a volume with what the answers allow, and its parts with each other.
func (j *judge) endOf(d esxsim.Disk, refs int) string {
	w := j.w
	possible, answer := w.t.checker.Final(w.t.start, w.t.history, d.Name)
	allowed := answer == model.Undecided
	for _, s := range possible.States() {
		allowed = allowed || s.RefCount() == refs
	}
	m, mounted := w.guest.At(mountRoot + "/" + d.Name + "@" + datastore)
	vm, attached := w.store.AttachedTo(datastore, d.Name)
	switch {
	case !allowed:
		return fmt.Sprintf("has %d references, which the answers do not allow", refs)
	case mounted && refs == 0:
		return "is mounted, but has no reference"
	case !mounted && refs > 0:
		return fmt.Sprintf("has %d references, but is not mounted", refs)
	case mounted && (m.DiskID != d.ID || m.Removed):
		return "has another disk at its mountpoint"
	case attached && !mounted:
		return "is attached to " + vm + ", but not mounted"
	}
	return ""
}
