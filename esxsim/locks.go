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
	records map[string]*lockRecord
	free    []*lockRecord // forgotten ones, to be used again
}

type lockRecord struct {
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
	return locks{env: env, mu: newGuard(env, serial, "esx.locks"), records: cleared(l.records), free: l.free}
}

// acquire waits for the lock of that name. The error is context.Cause(ctx).
func (l *locks) acquire(ctx context.Context, name string) (held, error) {
	if l.look != nil && !l.race {
		l.look(name)
	}
	l.mu.lock()
	rec := l.records[name]
	l.env.Touch(name, rec == nil) // whoever makes the record has the lock without a yield
	if rec == nil {
		if l.race {
			l.mu.unlock()
			l.look(name)
			l.mu.lock()
		}
		rec = l.newRecord()
		rec.m = l.env.NewMonitor(name)
		l.records[name] = rec
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
	h.locks.mu.lock()
	defer h.locks.mu.unlock()
	h.rec.users--
	h.locks.env.Touch(h.name, h.rec.users == 0)
	if h.rec.users == 0 && h.locks.records[h.name] == h.rec {
		delete(h.locks.records, h.name)
		h.locks.free = append(h.locks.free, h.rec)
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

// idle reports whether nobody holds or waits for any lock.
func (l *locks) idle() bool {
	l.mu.lock()
	defer l.mu.unlock()
	return len(l.records) == 0
}
