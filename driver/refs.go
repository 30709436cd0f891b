package driver

// refs is a multiset of mount IDs. The zero value is empty.
type refs struct {
	count map[string]int
	total int
}

func (r *refs) add(id string) {
	if r.count == nil {
		r.count = make(map[string]int, 1)
	}
	r.count[id]++
	r.total++
}

// drop takes one reference of the ID away and reports whether there was one.
func (r *refs) drop(id string) bool {
	n := r.count[id]
	if n == 0 {
		return false
	}
	if n == 1 {
		delete(r.count, id)
	} else {
		r.count[id] = n - 1
	}
	r.total--
	return true
}

func (r *refs) has(id string) bool { return r.count[id] > 0 }
