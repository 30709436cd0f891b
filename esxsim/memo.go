package esxsim

import "vmdkvol/driver/wire"

// Limits of a [Memo], which guests could otherwise fill at will.
const (
	memoEntries  = 512
	memoTextSize = 1024
)

// Memo remembers what pure functions of the service answered: decoded requests and metadata by their exact bytes, encoded
// metadata and replies by what they say, and labels by volume. An explorer that makes a new Service for every schedule gives them one Memo, and so parses each
// text once. A Memo may be used by one Service at a time only, unless all of them are Serial and of one explorer. The
// zero value is ready.
type Memo struct {
	requests map[string]*request
	metas    map[string]*Meta

	sidecars     recent[identity, *Meta] // what is in metas, too
	labels       recent[labelKey, *labels]
	encoded      recent[metaKey, text]
	descriptions recent[descriptionKey, text]
	devices      recent[wire.Device, []byte]
}

type labelKey struct {
	Volume
	lockDatastore string
	lockGroup     string
}

// labels are the texts that name a volume's parts, made once.
type labels struct {
	lock string // of the lock manager
	disk string // footprints
	meta string
	list string
}

func (m *Memo) request(text []byte) *request {
	if r := m.requests[string(text)]; r != nil {
		return r
	}
	r := decode(text)
	if len(text) <= memoTextSize {
		remember(&m.requests, string(text), r)
	}
	return r
}

// Meta is DecodeMeta of what a [Store] has returned. The result is not to be changed.
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

func (m *Memo) label(v Volume, lockDatastore, lockGroup string) *labels {
	key := labelKey{Volume: v, lockDatastore: lockDatastore, lockGroup: lockGroup}
	if known := m.labels.find(&key); known != nil {
		return *known
	}
	l := &labels{
		lock: lockName(lockDatastore, lockGroup, v.Name),
		disk: "disk:" + v.Datastore + "/" + v.Name,
		meta: "meta:" + v.Datastore + "/" + v.Name,
		list: listLabel(v.Datastore),
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
