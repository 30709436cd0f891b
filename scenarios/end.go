package scenarios

import (
	"context"
	"fmt"
	"slices"

	"vmdkvol/esxsim"
)

// end judges the run as a whole.
func (j *judge) end() {
	w := j.w
	// A request that waited for a lock when the service crashed leaves its place in the queue behind, which is no
	// lock: after a crash only the network is asked.
	for _, e := range w.esxs {
		if e.restarts == 0 && !e.service.Idle() || len(e.net.Pending()) > 0 {
			w.k.Fail(OraclePending, fmt.Sprintf("the service is busy, or in flight: %v", e.net.Pending()))
			return
		}
	}
	for _, h := range w.hosts {
		if oracle, why := j.explain(h); why != "" {
			w.k.Fail(oracle, why)
			return
		}
	}
	for i := range j.subjects {
		if s := &j.subjects[i]; s.judged() {
			j.onDisk(s, "at the end")
		}
	}
	for _, h := range w.hosts {
		if why := j.endOn(h); why != "" {
			w.k.Fail(OracleEnd, why)
			return
		}
	}
	if w.config != nil {
		if why := w.overQuota(); why != "" {
			w.k.Fail(OracleQuota, why)
		}
	}
}

// endOn compares what is left on a host with what the answers allow.
func (j *judge) endOn(h *host) string {
	if h.frozen.is() {
		return ""
	}
	w := j.w
	var refs map[string]int
	if !h.down.is() {
		var err error
		if refs, err = h.driver.References(context.Background()); err != nil {
			return err.Error()
		}
		h.refs = refs
	}
	disks := w.store.AppendDisks(w.t.disks[:0])
	w.t.disks = disks
	for i := range disks {
		d := &disks[i]
		if w.t.foreign[d.Name] {
			continue
		}
		full := w.t.names(d.Name).full
		if why := j.endOf(h, d, refs[full]); why != "" {
			return full + " " + why
		}
	}
	for full, n := range refs {
		if n > 0 && !slices.ContainsFunc(disks, func(d esxsim.Disk) bool { return d.Name+"@"+datastore == full }) {
			return fmt.Sprintf("%s has %d references, but does not exist", full, n)
		}
	}
	return ""
}

// endOf compares what is left of a volume on a host with what the answers allow, and its parts with each other.
func (j *judge) endOf(h *host, d *esxsim.Disk, refs int) string {
	w := j.w
	m, mounted := h.guest.At(w.t.names(d.Name).mountpoint) // a volume may be one that no script speaks of
	vm, attached := w.store.AttachedTo(datastore, d.Name)
	here := attached && vm == h.name
	heir := h.life > 0 || h.down.is() // what lies about may be an earlier life's
	if h.docker != nil && !h.down.is() && !h.off.is() {
		if why := j.recovered(h, d.Name, refs); why != "" {
			return why
		}
	}
	switch {
	case !h.down.is() && (h.docker == nil || h.life == 0) && !j.allowed(h, d.Name, refs):
		return fmt.Sprintf("has %d references, which the answers do not allow", refs)
	case mounted && refs == 0 && !heir:
		return "is mounted, but has no reference"
	case !mounted && j.tamperedSince(w.t.index(d.Name), 0):
		return ""
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
	i := j.w.t.index(volume)
	return i < 0 || h.undecided || h.counts[i]>>min(refs, mostRefs)&1 != 0
}
