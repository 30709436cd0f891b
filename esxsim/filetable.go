package esxsim

// fewFiles is up to how many volumes comparing is cheaper than hashing the three strings of a key.
const fewFiles = 12

// fileTable finds the files of a volume. A world has few volumes; a store may have many.
type fileTable struct {
	all    []*memFiles
	recent [8]int         // in all, perhaps: what was found last, by how its name ends
	places map[Volume]int // in all; nil as long as there never were more than a few
}

// renewed is an empty table, in the memory of one that nobody uses any more.
func (t *fileTable) renewed() fileTable { return fileTable{all: t.all[:0]} }

// find returns the files of a volume, nil if there are none.
func (t *fileTable) find(v *Volume) *memFiles {
	if i := t.place(v); i >= 0 {
		return t.all[i]
	}
	return nil
}

func (t *fileTable) place(v *Volume) int {
	if t.places != nil {
		if i, there := t.places[*v]; there {
			return i
		}
		return -1
	}
	last := t.lastNamedLike(v.Name)
	if *last < len(t.all) && t.all[*last].volume.is(v) {
		return *last
	}
	for i, f := range t.all {
		if f.volume.is(v) {
			*last = i
			return i
		}
	}
	return -1
}

func (t *fileTable) lastNamedLike(volume string) *int {
	if volume == "" {
		return &t.recent[0]
	}
	return &t.recent[int(volume[len(volume)-1])%len(t.recent)]
}

// add enters files that are not there.
func (t *fileTable) add(f *memFiles) {
	t.all = append(t.all, f)
	switch last := len(t.all) - 1; {
	case t.places != nil:
		t.places[f.volume] = last
	case last == fewFiles:
		t.places = make(map[Volume]int)
		for i, f := range t.all {
			t.places[f.volume] = i
		}
	}
}

// remove forgets files that are there.
func (t *fileTable) remove(f *memFiles) {
	i, last := t.place(&f.volume), len(t.all)-1
	t.all[i] = t.all[last]
	t.all = t.all[:last]
	if t.places != nil {
		if i < last {
			t.places[t.all[i].volume] = i
		}
		delete(t.places, f.volume)
	}
}
