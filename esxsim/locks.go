package esxsim

import (
	"context"

	"vmdkvol/seam"
)

// locks is the lock manager of the service (docs/original.md §2.11): named locks, not re-entrant, whose record lives
// while somebody holds or waits for the lock. Volume locks come before VM locks; mu is never held while waiting.
type locks struct {
	env seam.Env
	// look is the yield before a look into the table, nil if there is none. With race it is between not finding a lock
	// and making it (quirk lock-table-race).
	look func(name string)
	race bool

	mu      guard
	records []*lockRecord // no two of one name; as few as commands run, so that no map would find one sooner
	free    []*lockRecord // forgotten ones, to be used again
}

type lockRecord struct {
	name  string
	m     seam.Monitor
	users int // holders and waiters; guarded by locks.mu
}

// held is a lock that its owner gives back once with release.
type held struct {
	locks  *locks
	rec    *lockRecord
	name   string
	waited bool // somebody had it, or was about to
}

// renewed is a lock manager without locks, in the memory of one that nobody uses any more.
func (l *locks) renewed(env seam.Env, serial bool) locks {
	return locks{env: env, mu: newGuard(env, serial, "esx.locks"), records: l.records[:0], free: append(l.free, l.records...)}
}

// find returns the place of a record, -1 if there is none. l.mu is held.
func (l *locks) find(name string) int {
	for i, rec := range l.records {
		if rec.name == name {
			return i
		}
	}
	return -1
}

// enter makes a record, in the place of another one of the name. l.mu is held.
func (l *locks) enter(name string) *lockRecord {
	rec := l.newRecord()
	*rec = lockRecord{name: name, m: l.env.NewMonitor(name)}
	if i := l.find(name); i >= 0 {
		l.records[i] = rec
	} else {
		l.records = append(l.records, rec)
	}
	return rec
}

// acquire waits for the lock of that name. The error is context.Cause(ctx).
func (l *locks) acquire(ctx context.Context, name string) (held, error) {
	if l.look != nil && !l.race {
		l.look(name)
	}
	l.mu.lock()
	var rec *lockRecord
	if i := l.find(name); i >= 0 {
		rec = l.records[i]
	}
	l.env.Touch(name, rec == nil) // whoever makes the record has the lock without a yield
	if rec == nil {
		if l.race {
			l.mu.unlock()
			l.look(name)
			l.mu.lock()
		}
		rec = l.enter(name)
	}
	h := held{locks: l, rec: rec, name: name, waited: rec.users > 0}
	rec.users++
	l.mu.unlock()

	if err := rec.m.Lock(ctx); err != nil {
		h.forget()
		return held{}, err
	}
	return h, nil
}

func (h held) release() {
	h.rec.m.Unlock()
	h.forget()
}

func (h held) forget() {
	l := h.locks
	l.mu.lock()
	h.rec.users--
	l.env.Touch(h.name, true) // whoever came meanwhile would have made a record if he had come later
	if h.rec.users == 0 {
		l.drop(h.rec)
	}
	l.mu.unlock()
}

// drop forgets a record that nobody uses, unless another one has taken its place. l.mu is held.
func (l *locks) drop(rec *lockRecord) {
	for i, r := range l.records {
		if r == rec {
			last := len(l.records) - 1
			l.records[i] = l.records[last]
			l.records = l.records[:last]
			l.free = append(l.free, rec)
			return
		}
	}
}

func (l *locks) newRecord() *lockRecord {
	last := len(l.free) - 1
	if last < 0 {
		return &lockRecord{}
	}
	rec := l.free[last]
	l.free = l.free[:last]
	return rec
}

// forsake begins a new table. Who has or awaits a lock of the old one keeps it, and meets nobody of the new one.
func (l *locks) forsake() {
	l.mu.lock()
	defer l.mu.unlock()
	l.env.Touch(everything, true)
	l.records = nil
}

// idle reports whether nobody holds or waits for any lock.
func (l *locks) idle() bool {
	l.mu.lock()
	defer l.mu.unlock()
	return len(l.records) == 0
}
