package esxsim

import "vmdkvol/driver/wire"

// Limits of a [Memo], which guests could otherwise fill at will.
const (
	memoEntries  = 512
	memoTextSize = 1024
)

// Memo remembers what pure functions of the service answered: decoded requests and metadata by their exact bytes, encoded
// metadata and replies by what they say, and labels by volume. An explorer that makes a new Service for every schedule gives
// them one Memo, and so parses each text once. A Memo may be used by one Service at a time only, unless all of them are
// Serial and of one explorer. The zero value is ready.
type Memo struct {
	requests map[string]*request
	first    []marked // of requests: the first few, which are found sooner without a map
	names    []string // of volumes, see Know
	metas    map[string]*Meta

	sidecars     recent[identity, *Meta] // what is in metas, too
	labels       recent[labelKey, *labels]
	encoded      recent[metaKey, text]
	descriptions recent[descriptionKey, text]
	devices      recent[wire.Device, []byte]
	refusals     recent[string, []byte]
}

type labelKey struct {
	Volume
	lockDatastore string
	lockGroup     string
	group         string // its name
}

// labels are the texts that name a volume's parts, made once.
type labels struct {
	lock string // of the lock manager
	disk string // footprints
	meta string
	list string

	exists string // the fault of a create
}

// marked is a request by its text and its [wire.Mark].
type marked struct {
	mark    uint64
	text    string
	request *request
}

func (m *Memo) request(text []byte) *request {
	mark := wire.Mark(text)
	for i := range m.first {
		if known := &m.first[i]; known.mark == mark && known.text == string(text) {
			return known.request
		}
	}
	if r := m.requests[string(text)]; r != nil {
		return r
	}
	r := decode(text)
	if len(text) <= memoTextSize {
		if len(m.first) < mostRecent {
			m.first = append(m.first, marked{mark, string(text), r})
		}
		m.share(&r.volume)
		m.share(&r.at.volume)
		remember(&m.requests, string(text), r)
	}
	return r
}

// Know makes the Memo use this string for the name of a volume wherever requests have the same: strings that are one are equal
// at a glance. It changes nothing else.
func (m *Memo) Know(name string) {
	if len(m.names) < mostRecent {
		m.names = append(m.names, name)
	}
}

// share replaces a name by the string that is known for it.
func (m *Memo) share(name *string) {
	for _, known := range m.names {
		if known == *name {
			*name = known
			return
		}
	}
}

// Meta is DecodeMeta of what a [Store] has returned, which nobody changes any more; see [Store]. The result is not to be
// changed.
func (m *Memo) Meta(text []byte) (*Meta, error) {
	is := identify(text)
	if known := m.sidecars.find(&is); known != nil {
		return *known, nil
	}
	meta := m.metas[string(text)]
	if meta == nil {
		decoded, err := DecodeMeta(text)
		if err != nil {
			return nil, err
		}
		if meta = &decoded; len(text) > memoTextSize {
			return meta, nil
		}
		remember(&m.metas, string(text), meta)
	}
	m.sidecars.add(&is, meta)
	return meta, nil
}

// identity is a text that nobody changes, by where it is: whoever remembers it keeps the text there.
type identity struct {
	first *byte
	size  int
}

func identify(text []byte) identity {
	if len(text) == 0 {
		return identity{}
	}
	return identity{&text[0], len(text)}
}

func (m *Memo) label(v Volume, lockDatastore string, g *group) *labels {
	for i := range m.labels.known { // as find does, but field by field: what most volumes differ in comes first
		known := &m.labels.known[i]
		if known.key.is(&v) && known.key.lockDatastore == lockDatastore && known.key.lockGroup == g.locks && known.key.group == g.Name {
			return known.value
		}
	}
	key := labelKey{Volume: v, lockDatastore: lockDatastore, lockGroup: g.locks, group: g.Name}
	l := &labels{
		lock: lockName(lockDatastore, g.locks, v.Name),
		disk: "disk:" + v.Datastore + "/" + v.Name,
		meta: "meta:" + v.Datastore + "/" + v.Name,
		list: listLabel(v.Datastore),

		exists: "File " + g.path(v) + " already exists",
	}
	m.labels.add(&key, l)
	return l
}

// lockName is the name of a volume's lock; without a datastore, the volume's alone (docs/original.md §2.11).
func lockName(datastore, group, volume string) string {
	if datastore == "" {
		return volume
	}
	return datastore + "." + group + "." + volume
}

// listLabel is the footprint of which volumes a datastore has.
func listLabel(datastore string) string { return "list:" + datastore }

func remember[K comparable, V any](m *map[K]V, key K, value V) {
	switch {
	case *m == nil:
		*m = make(map[K]V)
	case len(*m) >= memoEntries:
		clear(*m)
	}
	(*m)[key] = value
}
