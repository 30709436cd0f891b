package explore

// State registers what tells apart states of the program that the kernel does not see. Read calls see for every object with a
// hash of its value, under the name by which Touch declares it; an object that is seen twice counts as both together. Audits use it; it
// must not yield.
//
//go:norace
func (k *Kernel) State(read func(see func(object string, value Hash))) {
	k.states = append(k.states, read)
}

// state notes everything that steps can change. Timers of one instant fire together, so their order does not count.
func (k *Kernel) state(state map[string]Hash) {
	see := func(object string, value Hash) { state[object] += value.mix(1) }
	for _, t := range k.tasks {
		if t.index == clockIndex || t.state == done {
			continue
		}
		h := NewHash().mix(uint64(t.state)).step(t.hash, &t.point)
		if t.wants() && t.woken {
			h = h.mix(1)
		}
		see("task "+t.name, h)
	}
	for _, m := range k.monitors[:k.monitorsUsed] {
		if m.holder != nil {
			see(m.object, NewHash().str("held by").str(m.holder.name))
		}
		if m.starving {
			see(m.object, NewHash().str("starving"))
		}
		for i, t := range m.queue {
			see(m.object, NewHash().mix(uint64(i)).mix(uint64(m.barged-t.ticket)).str(t.name))
		}
	}
	for _, t := range k.timers {
		h := NewHash().mix(uint64(t.at))
		if t.sleeper != nil {
			h = h.str(t.sleeper.name)
		}
		see(timersObject, h)
	}
	see(timeObject, NewHash().mix(uint64(k.now)))
	for _, read := range k.states {
		read(see)
	}
}

// HashOf is the hash of a text.
func HashOf(text string) Hash { return NewHash().str(text) }
