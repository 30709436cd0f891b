package guestsim

// page is a file in the cache of a guest that has a disk mounted: written, read by everybody in that guest, and not yet
// on the disk.
type page struct {
	guest      *Guest
	file, data string
}

func (d *medium) write(g *Guest, file, data string) {
	for i := range d.dirty {
		if p := &d.dirty[i]; p.guest == g && p.file == file {
			p.data = data
			return
		}
	}
	d.dirty = append(d.dirty, page{g, file, data})
}

func (d *medium) read(g *Guest, file string) (data string, ok bool) {
	for _, p := range d.dirty {
		if p.guest == g && p.file == file {
			return p.data, true
		}
	}
	data, ok = d.files[file]
	return data, ok
}

// flush writes the cache of a guest to the disk.
func (d *medium) flush(g *Guest) {
	for _, p := range d.dirty {
		if p.guest != g {
			continue
		}
		if d.files == nil {
			d.files = make(map[string]string)
		}
		d.files[p.file] = p.data
	}
	d.drop(g)
}

// drop loses the cache of a guest.
func (d *medium) drop(g *Guest) {
	kept := d.dirty[:0]
	for _, p := range d.dirty {
		if p.guest != g {
			kept = append(kept, p)
		}
	}
	d.dirty = kept
}

func (d *medium) mountedIn(g *Guest) bool {
	for _, h := range d.mounts {
		if h.guest == g {
			return true
		}
	}
	return false
}
