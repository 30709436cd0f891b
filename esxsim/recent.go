package esxsim

import (
	"reflect"

	"vmdkvol/driver/wire"
)

// mostRecent is how many results of a function are remembered: a few for each volume of a small world.
const mostRecent = 32

// recent remembers the last results of a pure function that are not to be changed. Looking through them is cheaper than a
// map of keys that have many strings.
type recent[K comparable, V any] struct {
	known []remembered[K, V]
	next  int // to be overwritten, once all places are taken
}

type remembered[K comparable, V any] struct {
	key   K
	value V
}

func (r *recent[K, V]) find(key *K) *V {
	for i := range r.known {
		if r.known[i].key == *key {
			return &r.known[i].value
		}
	}
	return nil
}

func (r *recent[K, V]) add(key *K, value V) {
	if len(r.known) < mostRecent {
		r.known = append(r.known, remembered[K, V]{*key, value})
		return
	}
	r.known[r.next] = remembered[K, V]{*key, value}
	r.next = (r.next + 1) % mostRecent
}

// metaKey is a Meta, with its options by identity: whoever remembers it keeps the options, so that no others can be at
// their address, and nobody changes them.
type metaKey struct {
	opts                                    uintptr
	status, created, createdBy, owner, name string
	there                                   bool
	at                                      wire.Device
}

func (k *metaKey) of(m *Meta) {
	*k = metaKey{
		opts: reflect.ValueOf(m.VolOpts).Pointer(), status: m.Status, created: m.Created, createdBy: m.CreatedBy,
		owner: m.AttachedUUID, name: m.AttachedName,
	}
	if m.Device != nil {
		k.there, k.at = true, *m.Device
	}
}

// descriptionKey is what the reply to get is made of.
type descriptionKey struct {
	meta            metaKey
	size, allocated int64
	datastore       string
	owner           string // today's name
}

// text is what was made of a Meta with these options.
type text struct {
	bytes []byte
	opts  map[string]string
}

// encode is EncodeMeta.
func (m *Memo) encode(meta Meta) []byte {
	var key metaKey
	key.of(&meta)
	if known := m.encoded.find(&key); known != nil {
		return known.bytes
	}
	made := EncodeMeta(meta)
	m.encoded.add(&key, text{made, meta.VolOpts})
	return made
}

// refusal is the reply that says what has failed.
func (m *Memo) refusal(fault string) []byte {
	if known := m.refusals.find(&fault); known != nil {
		return *known
	}
	made := errorReply(fault)
	if len(fault) <= memoTextSize {
		m.refusals.add(&fault, made)
	}
	return made
}

// device is the reply to attach.
func (m *Memo) device(at wire.Device) []byte {
	if known := m.devices.find(&at); known != nil {
		return *known
	}
	made := wire.AppendDevice(make([]byte, 0, 96), at)
	m.devices.add(&at, made)
	return made
}
