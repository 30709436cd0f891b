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
// deadlock, livelock) watch as well. Each judges one life of a plugin: what a crash or a loss of power ends is not
// mourned, and what it leaves behind is not held against the next life, because there is no recovery yet.
const (
	// OracleReply: a Mount was answered before its mountpoint was the disk, or with the wrong access mode (I4).
	OracleReply = "reply-before-mounted"
	// OracleHolder: a container holds a volume, and its mountpoint has stopped being the disk (I4). Containers of an
	// earlier life are watched until the next one begins.
	OracleHolder = "bare-directory"
	// OracleModel: no order of the operations of one life explains their answers (I9).
	OracleModel = "not-linearizable"
	// OracleGone: a Mount succeeded whose caller had gone; nobody will ever unmount it (I4).
	OracleGone = "mounted-for-nobody"
	// OracleEnd: when all is done, references, mounts and attachments disagree (I1, I2, I3).
	OracleEnd = "state-at-end"
	// OraclePending: when all is done, something is still in flight or locked (I10).
	OraclePending = "pending-at-end"
)

// holder is a container that was told that a volume is mounted.
type holder struct {
	host       *host
	client, id string
	volume     string // volume part
	mountpoint string
}

// judge watches one run. What clients tell it carries go:norace: they do so without any lock, taking turns, and the race
// detector is to judge the driver, not the judge.
type judge struct {
	w        *World
	time     int64
	troubled int64  // when the first life ended; 0: none has
	room     []Call // for calls to come
	calls    []*Call
	holders  []holder // of which it is certain
	wrong    []string // checks that failed
}

// tick is the next logical time.
//
//go:norace
func (j *judge) tick() int64 {
	j.time++
	return j.time
}

// trouble notes that from now on, an operation has an excuse to fail.
//
//go:norace
func (j *judge) trouble() {
	if j.troubled == 0 {
		j.troubled = j.tick()
	}
}

//
//go:norace
func (j *judge) invoke(h *host, client string, l *line) *Call {
	c := &j.room[0] // made for all operations of the script
	j.room = j.room[1:]
	*c = Call{Client: client, Op: l.op, host: h, life: h.life, invoked: j.tick(), returned: math.MaxInt64}
	j.calls = append(j.calls, c)
	j.w.t.called = j.calls
	j.w.k.Call(l.text)
	if j.w.k.Collects() {
		j.sawCall(c)
	}
	if l.op.Verb == "unmount" {
		j.forget(h, l.op)
	}
	return c
}

//
//go:norace
func (j *judge) answer(c *Call, l *line, answer string, err error) {
	c.returned, c.Answer = j.tick(), answer
	if c.kind == "" {
		c.kind = answer
	}
	if j.w.k.Collects() {
		j.sawAnswer(c, err)
	}
	switch {
	case err != nil:
		j.w.k.Return(l.text + arrow + answer + ": " + err.Error())
	case answer == okAnswer:
		j.w.k.Return(l.ok)
	default:
		j.w.k.Return(l.text + arrow + answer)
	}
	if c.Op.Verb == "mount" && answer == okAnswer {
		if c.gone {
			j.w.k.Fail(OracleGone, fmt.Sprintf("%s had gone, and still %s got a reference to %s", c.Client, c.Op.ID, c.Op.Volume))
		}
		h := holder{c.host, c.Client, c.Op.ID, volumePart(c.Op.Volume), c.mountpoint}
		if j.unmounting(c) {
			return
		}
		if why := j.bare(&h); why != "" {
			j.w.k.Fail(OracleReply, fmt.Sprintf("%s was told that %s is mounted at %s, but %s", h.client, c.Op.Volume, c.mountpoint, why))
		}
		j.holders = append(j.holders, h)
		j.w.t.holders = j.holders
	}
}

// unmounting reports whether an Unmount of the same reference overlaps a Mount: then nobody can say that it is held.
//
//go:norace
func (j *judge) unmounting(mount *Call) bool {
	for _, c := range j.calls {
		if c.Op.Verb == "unmount" && c.Op.ID == mount.Op.ID && c.host == mount.host && c.returned > mount.invoked &&
			volumePart(c.Op.Volume) == volumePart(mount.Op.Volume) {
			return true
		}
	}
	return false
}

// forget ends the hold of a container that unmounts; from its Unmount on it uses the volume no more.
//
//go:norace
func (j *judge) forget(host *host, op *Op) {
	for i, h := range j.holders {
		if h.host == host && h.id == op.ID && h.volume == volumePart(op.Volume) {
			for ; i+1 < len(j.holders); i++ { // not append, see the top
				j.holders[i] = j.holders[i+1]
			}
			j.holders = j.holders[:i]
			return
		}
	}
}

// empty forgets the containers of a host: they are gone, or held by references that nobody knows of.
func (j *judge) empty(host *host) {
	kept := j.holders[:0]
	for _, h := range j.holders {
		if h.host != host {
			kept = append(kept, h)
		}
	}
	j.holders = kept
}

// told is the mountpoint of a volume that a client was told last, "" if none.
//
//go:norace
func (j *judge) told(of *Call) string {
	for i := len(j.calls) - 1; i >= 0; i-- {
		c := j.calls[i]
		if c.Op.Verb == "mount" && c.Answer == okAnswer && c.Client == of.Client &&
			volumePart(c.Op.Volume) == volumePart(of.Op.Volume) {
			return c.mountpoint
		}
	}
	return ""
}

// bare says what is wrong with a holder's mountpoint, "" if nothing is.
//
//go:norace
func (j *judge) bare(h *holder) string {
	m, ok := h.host.guest.At(h.mountpoint)
	switch {
	case !ok:
		return "nothing is mounted there"
	case m.Removed:
		return "the disk under it is gone"
	case !j.w.t.threads && m.ReadOnly != j.w.readOnly(h.volume):
		return "the access mode is wrong"
	}
	return ""
}

// step looks at the state that a step has left.
func (j *judge) step() {
	changed := false
	for _, h := range j.w.hosts {
		if v := h.guest.Version(); v != h.seen {
			h.seen, changed = v, true
		}
	}
	if !changed {
		return
	}
	for i := range j.holders {
		h := &j.holders[i]
		if why := j.bare(h); why != "" {
			j.w.k.Fail(OracleHolder, fmt.Sprintf("container %s holds %s at %s, but %s", h.client, h.volume, h.mountpoint, why))
		}
	}
}

// readOnly is the access mode that the volume's metadata asks for.
func (w *World) readOnly(volume string) bool {
	text, err := w.store.ReadMeta(context.Background(), esxsim.Volume{
		Datastore: datastore, Vmgroup: esxsim.DefaultVmgroupUUID, Name: volume,
	})
	if err != nil {
		return false
	}
	mode, seen := w.t.readOnlys[string(text)]
	if !seen {
		meta, err := esxsim.DecodeMeta(text)
		mode = err == nil && meta.VolOpts["access"] == readOnly
		w.t.readOnlys[string(text)] = mode
	}
	return mode
}

// end judges the run as a whole.
func (j *judge) end() {
	w := j.w
	// A request that waited for a lock when the service crashed leaves its place in the queue behind, which is no
	// lock: after a crash only the network is asked.
	if w.upkeep.restarts == 0 && !w.service.Idle() || len(w.net.Pending()) > 0 {
		w.k.Fail(OraclePending, fmt.Sprintf("the service is busy, or in flight: %v", w.net.Pending()))
		return
	}
	for _, h := range w.hosts {
		if why := j.explain(h); why != "" {
			w.k.Fail(OracleModel, why)
			return
		}
	}
	for _, h := range w.hosts {
		if why := j.endOn(h); why != "" {
			w.k.Fail(OracleEnd, why)
			return
		}
	}
}

// endOn compares what is left on a host with what the answers allow.
func (j *judge) endOn(h *host) string {
	w := j.w
	var refs map[string]int
	if !h.down {
		var err error
		if refs, err = h.driver.References(context.Background()); err != nil {
			return err.Error()
		}
		h.refs = maps.Clone(refs)
	}
	for _, d := range w.store.Disks() {
		full := d.Name + "@" + datastore
		if w.t.foreign[d.Name] {
			if !h.down {
				delete(refs, full)
			}
			continue
		}
		if why := j.endOf(h, d, refs[full]); why != "" {
			return full + " " + why
		}
		delete(refs, full)
	}
	for full, n := range refs {
		if n > 0 {
			return fmt.Sprintf("%s has %d references, but does not exist", full, n)
		}
	}
	return ""
}

// endOf compares what is left of a volume on a host with what the answers allow, and its parts with each other.
func (j *judge) endOf(h *host, d esxsim.Disk, refs int) string {
	w := j.w
	m, mounted := h.guest.At(mountRoot + "/" + d.Name + "@" + datastore)
	vm, attached := w.store.AttachedTo(datastore, d.Name)
	here := attached && vm == h.name
	heir := h.life > 0 || h.down // what lies about may be an earlier life's
	switch {
	case !h.down && !j.allowed(h, d.Name, refs):
		return fmt.Sprintf("has %d references, which the answers do not allow", refs)
	case mounted && refs == 0 && !heir:
		return "is mounted, but has no reference"
	case !mounted && refs > 0:
		return fmt.Sprintf("has %d references, but is not mounted", refs)
	case mounted && (m.DiskID != d.ID || m.Removed):
		return "has another disk at its mountpoint"
	case mounted && !here:
		return "is mounted in " + h.name + ", but not attached to it"
	case here && !mounted && !heir:
		return "is attached to " + vm + ", but not mounted"
	}
	return ""
}

// allowed reports whether the answers allow so many references.
func (j *judge) allowed(h *host, volume string, refs int) bool {
	t := j.w.t
	if h.undecided {
		return true
	}
	possible, answer := t.checker.Final(h.start, t.histories[h.index], volume)
	allowed := answer == model.Undecided
	for _, s := range possible.States() {
		allowed = allowed || s.RefCount() == refs
	}
	return allowed
}
