package driver

// refs is a multiset of mount IDs. The zero value is empty. There is one ID for each container of this host that uses the
// volume: few enough to look at all of them.
type refs struct {
	ids   []idRefs
	total int
}

// idRefs is an ID with its number of references, at least 1.
type idRefs struct {
	id string
	n  int
}

func (r *refs) find(id string) *idRefs {
	for i := range r.ids {
		if r.ids[i].id == id {
			return &r.ids[i]
		}
	}
	return nil
}

func (r *refs) add(id string) {
	r.total++
	if found := r.find(id); found != nil {
		found.n++
		return
	}
	r.ids = append(r.ids, idRefs{id, 1})
}

// drop takes one reference of the ID away and reports whether there was one.
func (r *refs) drop(id string) bool {
	found := r.find(id)
	if found == nil {
		return false
	}
	r.total--
	if found.n--; found.n == 0 {
		last := len(r.ids) - 1
		*found, r.ids[last] = r.ids[last], idRefs{}
		r.ids = r.ids[:last]
	}
	return true
}

func (r *refs) has(id string) bool { return r.find(id) != nil }
