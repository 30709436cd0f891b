package esxsim

import (
	"context"
	"time"
)

// listener is how far the power-state listener of the host is connected (docs/original.md §2.13). It is guarded by
// Service.mu, and needs no task: when it connects again follows from when the agent of the host, hostd, was there.
type listener struct {
	down  bool      // hostd is
	lost  time.Time // when the connection broke
	from  time.Time // of its subscription
	ended bool
}

// The listener tries to connect again after each of these pauses, and gives up after the last.
const (
	firstPause = 2 * time.Second
	lastPause  = 32 * time.Second
)

func (l *listener) hears(now time.Time) bool { return !l.ended && !l.down && !now.Before(l.from) }

// again says at which of its attempts, after the connection broke, it finds hostd that is there since up. With forever it
// goes on trying.
func (l *listener) again(up time.Time, forever bool) (at time.Time, ok bool) {
	at = l.lost
	for pause := firstPause; ; pause *= 2 {
		if pause > lastPause {
			if !forever {
				return at, false
			}
			pause = lastPause
		}
		if at = at.Add(pause); !at.Before(up) {
			return at, true
		}
	}
}

// HostdDown ends the agent of the host: commands are refused (docs/original.md §1.4), and the listener loses its
// connection. Nobody hears of a VM that goes off meanwhile.
func (s *Service) HostdDown() {
	s.mu.lock()
	defer s.mu.unlock()
	s.env.Touch(everything, true)
	l := &s.listener
	if l.down {
		return
	}
	l.down = true
	if now := s.env.Now(); !now.Before(l.from) { // else it was trying already
		l.lost = now
	}
}

// HostdUp starts the agent again. The listener finds it at its next attempt, after a pause; ok is false if it has given
// up. When that pause is over, the caller lets [Service.Resubscribe] run.
func (s *Service) HostdUp() (pause time.Duration, ok bool) {
	s.mu.lock()
	defer s.mu.unlock()
	s.env.Touch(everything, true)
	l := &s.listener
	if !l.down {
		return 0, false
	}
	l.down = false
	if l.ended {
		return 0, false
	}
	now := s.env.Now()
	at, ok := l.again(now, !s.quirk.has(listenerEnds))
	if !ok {
		l.ended = true
		s.log.Warn("the power-state listener has given up", "host", s.cfg.Host)
		return 0, false
	}
	l.from = at
	return at.Sub(now), true
}

// Resubscribe is what the listener does with the first answer to a new subscription, which lists the power states of all
// VMs: the original ignores it, so that disks of VMs that went off before stay in their configurations.
func (s *Service) Resubscribe(ctx context.Context) {
	if s.quirk.has(firstIgnored) {
		return
	}
	s.mu.lock()
	var off []string
	for _, id := range sorted(s.vms) {
		if m := s.vms[id]; !m.on && !m.slept && len(m.slots) > 0 {
			off = append(off, id)
		}
	}
	s.mu.unlock()
	for _, id := range off {
		s.Notice(ctx, id)
	}
}

// Notice is what the listener does, without any lock, when it hears that a VM is off: it takes each disk out of the VM's
// configuration and then sets its metadata to detached, if that still names this VM (docs/original.md §2.13). A VM that
// is gone is left alone. The original does not ask whether the VM runs again meanwhile.
func (s *Service) Notice(ctx context.Context, id string) {
	s.mu.lock()
	m := s.vms[id]
	var slots []*slot
	if m != nil {
		slots = append(slots, m.slots...)
	}
	s.mu.unlock()
	for _, sl := range slots {
		if s.fails("esx.poweroff.disk", sl.volume.Name) {
			continue
		}
		s.env.Touch(m.label, true)
		s.mu.lock()
		taken, running := false, false
		switch there := m.find(sl.volume) == sl && !m.gone; {
		case !there:
		case sl.state == configured:
			m.drop(sl)
			taken = true
		case sl.state == plugged && s.quirk.has(listenerBlindly):
			sl.state = leaving
			taken, running = true, true
		}
		s.mu.unlock()
		if running {
			if err := s.pullOut(ctx, m, sl); err != nil {
				s.log.Warn("disk not removed", "host", s.cfg.Host, "vm", id, "err", err)
			}
		}
		if taken {
			s.forgetOwner(ctx, &m.VM, s.current(ctx, sl))
		}
	}
}

// forgetOwner is the listener's test-and-set on the metadata of a disk that vm had.
func (s *Service) forgetOwner(ctx context.Context, vm *VM, v Volume) {
	if s.checkpoint("esx.poweroff.meta", v.Name, s.failOnly) != 0 {
		return
	}
	l := s.label(&s.everyone, v, vm.Home)
	meta, ok := s.readMeta(ctx, s.store, v, l)
	if !ok {
		return
	}
	owner := vm.named(meta)
	switch {
	case s.quirk.has(blindListener):
		owner = true
	case s.quirk.has(ownerByName):
		owner = meta.AttachedName == vm.Name || meta.AttachedName == ""
	}
	if owner {
		_ = s.writeMeta(ctx, s.store, v, l, meta.detached()) // logged there
	}
}
