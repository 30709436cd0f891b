package explore

// starID is the id of everything.
const starID = 0

// id numbers the objects of a search.
func (t *trace) id(name string) int {
	if t.ids == nil {
		t.ids, t.found = map[string]int{everything: starID}, make([]found, 1<<foundBits)
		t.objects = []object{untouched()}
	}
	f := &t.found[glance(name)>>(64-foundBits)]
	if f.name == name && name != "" {
		return f.id
	}
	id, known := t.ids[name]
	if !known {
		id = len(t.objects)
		t.ids[name] = id
		t.objects = append(t.objects, untouched())
	}
	*f = found{name, id}
	return id
}

// found is an id where it is found sooner than in a map of all.
type found struct {
	name string
	id   int
}

const foundBits = 8

// glance tells most names of objects apart, by their ends.
func glance(name string) Hash {
	if len(name) < 8 {
		return NewHash().str(name)
	}
	return Hash(eight(name[len(name)-8:])+uint64(len(name))) * hashPrime
}

// object is what the steps so far did to one object.
type object struct {
	deeds
	accesses []access
	sections []int
}

type access struct {
	step int
	mode Mode
}

// deeds are what may change about an object with a step, but for what is appended to its lists.
type deeds struct {
	recent   int // the first of the accesses that a later one may conflict with
	modes    int // bits, of these
	acquired int // latest acquisition of the monitor, -1 if none
	section  int // the first of the sections since then
	released int // latest release of the monitor, -1 if none

	// of a GoMutex; sections are visits since the latest of the rest
	latest int  // access that is no visit, -1 if none
	barged bool // acquired by a newcomer
}

// untouched is an object before the first step.
func untouched() object { return object{deeds: deeds{acquired: -1, released: -1, latest: -1}} }

// rivals are the accesses that one of this mode may conflict with. A write is the first of them, or none is.
func (o *object) rivals(mode Mode) []access {
	recent := o.accesses[o.recent:]
	if mode != Write && o.modes&^(1<<mode|1<<Write) == 0 && len(recent) > 1 {
		return recent[:1]
	}
	return recent
}

// former is what an object was before a step accessed it.
type former struct {
	deeds
	id, accesses, sections int
}

// mark is what had been recorded before a step of a task.
type mark struct{ former, woken, refusals, task, last int }

// record notes what step j, the first that is not recorded, does to its objects.
func (t *trace) record(j int) {
	s := &t.steps[j]
	t.marks = append(t.marks, mark{len(t.former), len(t.woken), len(t.refusals), s.task, t.last[s.task+1]})
	t.last[s.task+1] = j
	for at, a := range s.footprint {
		id := s.objects[at]
		o := &t.objects[id]
		t.former = append(t.former, former{o.deeds, id, len(o.accesses), len(o.sections)})
		switch {
		case id == starID, a.Mode == acquire:
			o.acquired, o.section = j, len(o.sections)
		case a.Mode == section, a.Mode == visit:
			o.sections = append(o.sections, j)
		case a.Mode == release:
			o.released = j
		case a.Mode == barge, a.Mode == handed:
			o.acquired, o.barged, o.latest, o.section = j, a.Mode == barge, j, len(o.sections)
		case a.Mode == handover:
			o.released, o.latest, o.section = j, j, len(o.sections)
		case a.Mode == change:
			o.latest, o.section = j, len(o.sections)
		case a.Mode == Write:
			o.recent, o.modes = len(o.accesses), 1<<Write
			o.accesses = append(o.accesses, access{j, a.Mode})
		default:
			if n := len(o.accesses); n == o.recent || o.accesses[n-1] != (access{j, a.Mode}) {
				o.accesses, o.modes = append(o.accesses, access{j, a.Mode}), o.modes|1<<a.Mode
			}
		}
	}
}

// takeBack forgets what has been recorded of step j and of all after it.
func (t *trace) takeBack(j int) {
	if j >= len(t.marks) {
		return
	}
	m := t.marks[j]
	for i := len(t.former) - 1; i >= m.former; i-- {
		was := &t.former[i]
		o := &t.objects[was.id]
		o.deeds, o.accesses, o.sections = was.deeds, o.accesses[:was.accesses], o.sections[:was.sections]
	}
	for i := len(t.refusals) - 1; i >= m.refusals; i-- {
		t.refused[t.refusals[i].task+1] = t.refusals[i].before
	}
	for i := len(t.marks) - 1; i >= j; i-- {
		t.last[t.marks[i].task+1] = t.marks[i].last
	}
	t.former, t.woken, t.refusals, t.marks = t.former[:m.former], t.woken[:m.woken], t.refusals[:m.refusals], t.marks[:j]
}
