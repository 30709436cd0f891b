package driver

import (
	"context"
	"errors"
	"slices"

	"vmdkvol/seam"
)

// naming is what a mount is called, and where it is.
type naming struct {
	full    string // volume@datastore, as ESX answered at the first Mount
	path    string // mountpoint
	aliases []string
}

// mount is a volume that this machine has attached. The volume's lock guards it.
type mount struct {
	naming
	disk     string // device, "" while it is not known
	attached bool   // by an attach of this life that was answered, and by no detach since that was
	readOnly bool   // how it is mounted
	mounted  bool   // a file system is, or may be, mounted at path
	refs     refs   // empty while the volume lingers: it should be let go, and could not be yet
	heirs    *heirs
	kept     bool // there is a hint that it may be attached
	retry    bool // a background task tries to let it go

	// The first backing of the slices above: most volumes have one name and one container.
	aliasRoom [1]string
	refRoom   [1]idRefs
}

func (n *naming) called(given string) bool {
	return n.full == given || slices.Contains(n.aliases, given)
}

// volumes is the table of all volumes that are locked or attached.
//
// A record lives while someone holds or waits for its lock, or while it has mounts; idle, the table is empty. The table's
// monitor is never held while anything else is waited for.
type volumes struct {
	env   seam.Env
	table seam.Monitor // guards records, their users and published

	records map[string]*record
	late    map[string][]*late // Unmounts that could not be done in time, by key
}

// late is an Unmount that has still to be done: by its own task, or before that by whoever gets the volume's lock after it
// was given up, so that a later Mount does not lose its reference to it.
type late struct {
	name name
	id   string
	done bool // guarded by the volume's lock
}

// record is one volume part of names. See volumes for what its fields are guarded by.
type record struct {
	of        *volumes
	key       string
	shown     string       // what Touch calls what is published
	lock      seam.Monitor // the volume's lock
	users     int          // those who hold or wait for lock
	mounts    []*mount     // guarded by lock: usually one, more if equal names on several datastores are mounted
	published []*naming    // of the mounts that have a file system, for those who must not wait for lock

	// guarded by lock
	turn   int     // how often lock was released
	behind []*late // what has to be done before anything else, as of when lock was acquired

	// The first backing of mounts and published, and of what is published.
	mountRoom     [1]*mount
	publishedRoom [1]*naming
	firstShown    naming
}

// held is a volume's lock in someone's hands, for one turn.
type held struct {
	*record
	turn int
}

// What Touch calls the table's parts, beside the records, which go by their keys: what is published of a volume, or of
// all, and all late Unmounts.
const (
	publishedObject = "published " // and the key; alone it is all of them
	lateObject      = "late unmounts"
)

var errNotHeld = errors.New("driver: a volume's lock was released twice")

func newVolumes(env seam.Env) volumes {
	return volumes{env: env, table: env.NewMonitor("volumes"), records: make(map[string]*record)}
}

func (v *volumes) newRecord(key string) *record {
	r := &record{of: v, shown: publishedObject + key, lock: v.env.NewMonitor(key)}
	r.key = r.shown[len(publishedObject):]
	r.mounts, r.published = r.mountRoom[:0], r.publishedRoom[:0]
	return r
}

// handle makes a handle of the lock for whoever has just got it.
func (r *record) handle(behind []*late) held {
	r.behind = behind
	return held{r, r.turn}
}

// hold acquires the lock of a volume. The error is context.Cause(ctx).
func (v *volumes) hold(ctx context.Context, key string) (held, error) {
	_ = v.table.Lock(context.Background()) // not ctx: whoever has it waits for nothing
	r := v.records[key]
	behind := v.late[key]
	v.env.Touch(key, r == nil) // to count oneself in changes nothing for the others who do
	v.env.Touch(lateObject, false)
	if r == nil {
		r = v.newRecord(key)
		v.records[key] = r
	}
	r.users++
	v.table.Unlock()

	if err := r.lock.Lock(ctx); err != nil {
		v.leave(r)
		return held{}, err
	}
	return r.handle(behind), nil
}

// release gives the lock back. A second release is an error and frees nobody's lock.
func (h held) release() error {
	if h.turn != h.record.turn {
		return errNotHeld
	}
	h.record.turn++
	h.lock.Unlock()
	h.of.leave(h.record)
	return nil
}

// leave ends one use of a record and forgets the record with the last one.
func (v *volumes) leave(r *record) {
	_ = v.table.Lock(context.Background()) // cannot fail: the context never ends
	r.users--
	gone := r.users == 0 && len(r.published) == 0 && len(r.mounts) == 0
	v.env.Touch(r.key, true) // also if it is not gone: it would be, if who came meanwhile came later
	if gone {
		delete(v.records, r.key)
	}
	v.table.Unlock()
}

// postpone notes an Unmount that is given up for now.
func (v *volumes) postpone(l *late) {
	_ = v.table.Lock(context.Background()) // cannot fail: the context never ends
	defer v.table.Unlock()
	v.env.Touch(lateObject, true)
	if v.late == nil {
		v.late = make(map[string][]*late)
	}
	v.late[l.name.volume] = append(slices.Clone(v.late[l.name.volume]), l)
}

// settled forgets a postponed Unmount that was done.
func (v *volumes) settled(l *late) {
	_ = v.table.Lock(context.Background()) // cannot fail: the context never ends
	defer v.table.Unlock()
	key := l.name.volume
	v.env.Touch(lateObject, true)
	left := slices.DeleteFunc(slices.Clone(v.late[key]), func(o *late) bool { return o == l })
	if v.late[key] = left; len(left) == 0 {
		delete(v.late, key)
	}
}

// find returns the mount that a caller means by a name, nil if there is none.
func (h held) find(given string) *mount {
	for _, m := range h.mounts {
		if m.called(given) {
			return m
		}
	}
	return nil
}

func (h held) add(m *mount) { h.mounts = append(h.mounts, m) }

func (h held) remove(m *mount) {
	h.mounts = slices.DeleteFunc(h.mounts, func(o *mount) bool { return o == m })
}

// publish shows the mounts of a volume, as they are now, to those who do not hold its lock.
func (h held) publish() {
	v := h.of
	_ = v.table.Lock(context.Background()) // cannot fail: the context never ends
	v.env.Touch(h.shown, true)
	h.published = h.published[:0]
	v.env.Touch(publishedObject, false) // to publish two volumes commutes, but not with who looks at all of them
	for _, m := range h.mounts {
		if m.mounted && m.inUse() {
			shown := h.show()
			*shown = naming{m.full, m.path, slices.Clip(m.aliases)} // which only grow
			h.published = append(h.published, shown)
		}
	}
	v.table.Unlock()
}

// show is memory for what is published next. The table's monitor is held.
func (r *record) show() *naming {
	if len(r.published) == 0 {
		return &r.firstShown
	}
	return &naming{}
}

// mountpoint returns where a volume is mounted under a name, "" if it is not. It waits for no volume's lock.
func (v *volumes) mountpoint(n name) string { return v.mountpointOn(n, "") }

// mountpointOn is mountpoint for a volume whose datastore is known too, if that is not "": then it is found under its full
// name as well.
func (v *volumes) mountpointOn(n name, datastore string) string {
	_ = v.table.Lock(context.Background()) // cannot fail: the context never ends
	defer v.table.Unlock()
	v.env.Touch(publishedObject+n.volume, false)
	if r := v.records[n.volume]; r != nil {
		if path := r.path(n.given); path != "" || datastore == "" {
			return path
		}
		return r.path(n.volume + datastoreMarker + datastore)
	}
	return ""
}

// path is where the volume is shown to be mounted under a name. The table's monitor is held.
func (r *record) path(called string) string {
	for _, m := range r.published {
		if m.called(called) {
			return m.path
		}
	}
	return ""
}
