package explore

// A run of an exhaustive search begins with steps of the run before. Their footprints and events are known, and so is what the kernel finds
// out from footprints: nobody notes them once more.

// repeater is a strategy whose runs begin with steps of the run before.
type repeater interface {
	// repeats returns how many steps those are in the run that has begun, and where the kernel keeps what it finds out. The strategy
	// forgets what belongs to other steps.
	repeats() (steps int, found *memory)
}

// memory is what a kernel has found out in a run, as far as it depends on footprints, and the hash of its events.
type memory struct {
	monitors []made // in the order in which they were made
	records  []recordFound
	hashes   []Hash // of the events up to the end of each of the first steps
	steps    int    // so far
}

// made is what the kernel found out about a monitor when it was made.
type made struct {
	object string
	record bool
}

// recordFound is an object that turned out to be a record, see Options.Records.
type recordFound struct {
	name string
	step int // in which it did
}

// forget forgets what was found in a step and later.
func (m *memory) forget(step int) {
	for n := len(m.records); n > 0 && m.records[n-1].step >= step; n-- {
		m.records = m.records[:n-1]
	}
	m.hashes = m.hashes[:min(step, len(m.hashes))]
}

// recall begins a run: of the last one's calls, those in steps that it repeats stay.
func (d *Exhaustive) recall() {
	same := d.trace.same
	d.found.forget(same)
	for n := len(d.ops); n > 0 && d.ops[n-1].called >= same; n-- {
		d.ops = d.ops[:n-1]
	}
	for i := range d.ops {
		if d.ops[i].returned >= same {
			d.ops[i].returned = none
		}
	}
}

// repeats is called by the kernel.
func (d *Exhaustive) repeats() (steps int, found *memory) { return d.trace.same, &d.found }

// repeating reports whether the step that is under way is one of the run before.
func (t *trace) repeating() bool { return len(t.steps) < t.same }

// repeat lets the kernel repeat steps, if there are any.
func (k *Kernel) repeat(p repeater) {
	k.again, k.memory = p.repeats()
	if k.memory.steps = 0; k.again == 0 {
		return
	}
	k.repeats, k.notes, k.footprints = true, false, false
	k.silent = k.log == nil && k.options.Observe == nil && k.again <= len(k.memory.hashes)
	for _, r := range k.memory.records {
		k.records = append(k.records, r.name)
	}
}

// repeated ends a step, perhaps the last of those that are repeated.
//
//go:norace
func (k *Kernel) repeated() {
	m := k.memory
	if m == nil {
		return
	}
	m.steps++
	switch {
	case !k.repeats:
		if k.log == nil && len(m.hashes) == m.steps-1 {
			m.hashes = append(m.hashes, k.hash)
		}
	case m.steps == k.again:
		if k.silent {
			k.hash, k.deviated = m.hashes[m.steps-1], false
		}
		k.repeats, k.silent, k.notes, k.footprints = false, false, true, true
	}
}

// recognize is identify for a monitor that the run before has made too, if there was one.
//
//go:norace
func (k *Kernel) recognize(m *monitor) (known bool) {
	n := k.monitorsUsed - 1
	if !k.repeats || n >= len(k.memory.monitors) {
		return false
	}
	m.object, m.record = k.memory.monitors[n].object, k.memory.monitors[n].record
	return true
}

// remember keeps what there is to know about the last monitor that was made.
//
//go:norace
func (k *Kernel) remember(m *monitor) {
	if f := k.memory; f != nil {
		f.monitors = append(f.monitors[:min(k.monitorsUsed-1, len(f.monitors))], made{m.object, m.record})
	}
}
