package explore

// starID is the id of everything.
const starID = 0

// id numbers the objects of a search.
func (t *trace) id(name string) int {
	if t.ids == nil {
		t.ids, t.found = map[string]int{everything: starID}, make([]found, 1<<foundBits)
		t.objects = make([]object, 1)
	}
	f := &t.found[glance(name)>>(64-foundBits)]
	if f.name == name && name != "" {
		return f.id
	}
	id, known := t.ids[name]
	if !known {
		id = len(t.objects)
		t.ids[name] = id
		t.objects = append(t.objects, object{})
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
	run      int      // of which this is
	recent   []access // that a later access may conflict with
	acquired int      // latest acquisition of the monitor, -1 if none
	sections []int    // since then
	released int      // latest release of the monitor, -1 if none

	// of a GoMutex; sections are visits since the latest of the rest
	latest int  // access that is no visit, -1 if none
	barged bool // acquired by a newcomer
}

type access struct {
	step int
	mode Mode
}

func (t *trace) object(id int) *object {
	o := &t.objects[id]
	if o.run != t.run {
		*o = object{run: t.run, recent: o.recent[:0], sections: o.sections[:0], acquired: -1, released: -1, latest: -1}
	}
	return o
}

// record notes what step j does to its objects.
func (t *trace) record(j int) {
	s := &t.steps[j]
	t.last[s.task+1] = j
	for at, a := range s.footprint {
		o := t.object(s.objects[at])
		switch {
		case s.objects[at] == starID, a.Mode == acquire:
			o.acquired, o.sections = j, o.sections[:0]
		case a.Mode == section, a.Mode == visit:
			o.sections = append(o.sections, j)
		case a.Mode == release:
			o.released = j
		case a.Mode == barge, a.Mode == handed:
			o.acquired, o.barged, o.latest, o.sections = j, a.Mode == barge, j, o.sections[:0]
		case a.Mode == handover:
			o.released, o.latest, o.sections = j, j, o.sections[:0]
		case a.Mode == change:
			o.latest, o.sections = j, o.sections[:0]
		case a.Mode == Write:
			o.recent = append(o.recent[:0], access{j, a.Mode})
		default:
			o.recent = append(o.recent, access{j, a.Mode})
		}
	}
}
