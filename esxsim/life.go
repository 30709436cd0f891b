package esxsim

import (
	"context"
	"time"
)

// faultStopped is what requests get once a stop was asked for (docs/original.md §1.4).
const faultStopped = "Service is being stopped: operation declined!"

// everything is the explorer's object that no step commutes with: each command asks, without telling, whether the service
// is being stopped and whether hostd is there.
const everything = "*"

const (
	stopPatience = 20 * time.Second
	stopPause    = time.Second
)

// process is one life of the service's process. It is guarded by Service.mu.
type process struct {
	ops      int  // commands in flight, the original's opsCounter
	stopping bool // requests are declined
	handles  int  // requests that use the config database (quirk db-handle-shared)
	library  int  // calls of the disk library (quirk disklib-unlocked)
	copies   []copied
}

// begin counts a command; false if it is declined. s.mu is held.
func (p *process) begin() bool {
	if p.stopping {
		return false
	}
	p.ops++
	return true
}

// copied is a copy that is being made.
type copied struct{ from, to Volume }

// abandon leaves what was being copied when the process ended as it is, half a disk, and its files free. s.mu is held.
func (p *process) abandon(store Copying) {
	for _, c := range p.copies {
		store.EndCopy(c.from, c.to, false)
	}
	p.copies = nil
}

// die is the end of the process by itself.
func (s *Service) die() {
	if s.cfg.Ended != nil {
		s.cfg.Ended()
	}
}

// foreignHandle is what SQLite says of a handle that another thread has opened; its text is ours.
const foreignHandle = "Server returned an error: ProgrammingError('SQLite objects created in a thread can only be used in that same thread.')"

// openHandle is the use of the config database by a thread; false if another one uses it.
func (s *Service) openHandle() (p *process, free bool) {
	s.mu.lock()
	defer s.mu.unlock()
	p = s.process
	if free = p.handles == 0; free {
		p.handles++
	}
	return p, free
}

func (s *Service) closeHandle(p *process) {
	s.mu.lock()
	p.handles--
	s.mu.unlock()
}

// Stop is the signal that ends the service (docs/original.md §2.15): new requests are declined, and commands in flight
// get 20 seconds. It returns whether the process ends now; the caller then ends what it executes still, and later
// calls [Service.Started]. If not, the process lives on, and declines everything until it is killed (D22).
func (s *Service) Stop(ctx context.Context) (ended bool) {
	s.stage.Before("esx.stop", s.cfg.Host)
	s.env.Touch(everything, true)
	s.mu.lock()
	p := s.process
	p.stopping = p.ops > 0
	s.mu.unlock()
	if !p.stopping || s.quirk.has(stopKills) {
		return true
	}
	for waited := time.Duration(0); ; waited += stopPause {
		s.mu.lock()
		idle := p.ops == 0
		s.mu.unlock()
		switch {
		case idle:
			return true
		case waited >= stopPatience && s.quirk.has(stopLivesOn):
			s.log.Warn("In-flight operations are taking too long to complete - abandoning wait", "host", s.cfg.Host)
			return false
		}
		if s.env.Sleep(ctx, stopPause) != nil {
			return false
		}
	}
}

// Started says that the process has begun a new life, however the last one ended. It reads nothing and repairs nothing
// (docs/original.md §2.15); its listener is connected from now on, and hears nothing of what was before. The caller then
// lets [Service.Resubscribe] run.
func (s *Service) Started() {
	s.mu.lock()
	defer s.mu.unlock()
	s.process.abandon(s.copying)
	s.process = new(process)
	now := s.env.Now()
	s.listener = listener{down: s.listener.down, lost: now, from: now}
}

// TakeOver says that another process has begun to serve, while the one before finishes what it has: each has locks of its own,
// and a count of its own of what is in flight. Both know what the host knows of its VMs, and share the lock of all metadata.
// What is said of [Service.Started] holds for the new one.
func (s *Service) TakeOver() {
	s.Started()
	s.locks.forsake()
	s.vmLocks.forsake()
}

// Watchdog starts a service again that has ended, until it has ended too quickly too often (docs/original.md §2.15, B17).
// The zero value is ready.
type Watchdog struct {
	started time.Time
	quick   int // failures in a row
}

// The limits of the original's watchdog.
const (
	quickFailures = 5
	quickInterval = 10 * time.Second
)

// Started notes a start at that time.
func (w *Watchdog) Started(at time.Time) { w.started = at }

// Ended says whether the watchdog starts the service again that ended at that time; if not, it has given up.
func (w *Watchdog) Ended(at time.Time) (again bool) {
	if at.Sub(w.started) >= quickInterval {
		w.quick = 0
	}
	w.quick++
	return w.quick < quickFailures
}
