package explore

// identity says which monitor it is of those that have a name in one run.
type identity struct {
	name, world string
	number      int // 0 if it is the only one
}

// identify gives a new monitor its name in footprints, for a watcher; until then it is the monitor's own. Two monitors of one name,
// the locks of one volume on two hosts for example, exclude nobody from each other, and must not be taken for one. They are numbered
// as they are made, and so to make them is something whose order counts.
//
// Monitors of a record are made and forgotten in an order that does not count, see Options.Records; those of a world follow
// one another, and are taken for one. If the program makes such a monitor while somebody holds or awaits the one before, it
// has forgotten a record too early: nothing commutes with that.
//
//go:norace
func (k *Kernel) identify(m *monitor) {
	id := identity{name: m.name}
	if m.record {
		id.world = m.world.name
	}
	for _, o := range k.monitors[:k.monitorsUsed-1] { // names last: to compare them costs most
		if o.record == m.record && !o.quiet && (!m.record || o.world == m.world) && o.name == m.name && (!m.record || k.inUse(o)) {
			id.number++
		}
	}
	switch {
	case m.record && id.number > 0:
		k.touch(everything, true)
	case !m.record:
		k.made(m.name)
	}
	if id.number > 0 || m.record {
		m.object = k.identified(id)
	}
}

// identified is objectOf for the last monitor that was made. Most often the run before made the same monitors.
//
//go:norace
func (k *Kernel) identified(id identity) string {
	for len(k.answered) < k.monitorsUsed {
		k.answered = append(k.answered, named{})
	}
	n := &k.answered[k.monitorsUsed-1]
	if n.identity != id {
		n.identity, n.object = id, k.objectOf(id)
	}
	return n.object
}

// named is what was answered for a monitor, perhaps of an earlier run.
type named struct {
	identity
	object string
}

// inUse reports whether somebody holds or awaits a monitor.
//
//go:norace
func (k *Kernel) inUse(m *monitor) bool {
	if m.holder != nil {
		return true
	}
	for _, t := range k.live {
		if t.on == m && t.wants() {
			return true
		}
	}
	return false
}

// made notes that the current step has made a monitor. For the section in which it did so, that is nothing that was touched.
//
//go:norace
func (k *Kernel) made(monitor string) {
	for _, m := range k.taken {
		if m.mark == len(k.footprint) {
			m.mark++
		}
	}
	k.footprint = append(k.footprint, Access{monitor, Write})
}

// objectOf is the name of a monitor that is not the only one.
//
//go:norace
func (k *Kernel) objectOf(id identity) string {
	object, known := k.identities[id]
	if !known {
		if k.identities == nil || len(k.identities) == mostNames {
			k.identities = make(map[identity]string)
		}
		object = id.name
		if id.world != "" {
			object += " of " + id.world
		}
		if id.number > 0 {
			object += "'" + itoa(id.number+1)
		}
		k.identities[id] = object
	}
	return object
}
