package scenarios

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

