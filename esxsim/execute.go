package esxsim

import (
	"context"
	"errors"

	"vmdkvol/driver/wire"
)

// call is one command on one volume while its lock is held.
type call struct {
	*request
	vm     *machine
	group  *group
	target Volume
	size   int64 // bytes of the volume that a create makes
	label  *labels
}

const (
	noVolumeLock     = "Server returned an error: no lock of the volume: "
	faultUnavailable = "Service is presently unavailable, ensure the ESXi Host Agent is running on this host"
)

func errorReply(text string) []byte {
	return wire.AppendError(make([]byte, 0, 32+len(text)), text)
}

// execute follows the order of docs/original.md §2.2.
func (s *Service) execute(ctx context.Context, vm string, text []byte) (reply []byte) {
	s.mu.lock()
	p := s.process
	accepted, down := p.begin(), s.listener.down
	var r *request
	if accepted && !down {
		r = s.memo.request(text)
	}
	s.mu.unlock()
	if !accepted {
		return errorReply(faultStopped)
	}
	defer s.finish(p)
	if down { // an admission check (docs/original.md §1.4), before anything is decoded
		return errorReply(faultUnavailable)
	}
	if r.refuse != "" {
		if r.later != nil && s.quirk.has(mismatchExecutes) {
			s.perform(ctx, vm, r.later)
		}
		return errorReply(r.refuse)
	}
	return s.perform(ctx, vm, r)
}

// finish is the end of a command, or of its task.
func (s *Service) finish(p *process) {
	s.mu.lock()
	p.ops--
	s.mu.unlock()
}

// perform does what a request that is well formed asks for.
func (s *Service) perform(ctx context.Context, vm string, r *request) (reply []byte) {
	if r.cmd == wire.GetVersion {
		return wire.AppendVersion(nil, s.cfg.Version)
	}
	// No yield: the delivery of the request was one, and nothing has been done since.
	refused := s.stage.Choose(r.op, r.volume, s.failOnly...) != 0
	s.mu.lock()
	m := s.machine(vm)
	s.mu.unlock()
	if refused {
		return errorReply(faultUnavailable)
	}
	if m == nil {
		return errorReply("VM " + vm + " is not on this host")
	}
	g, fault := s.groupOf(ctx, m)
	switch {
	case fault != "":
		return s.groupless(ctx, m, r, fault)
	case g.db != nil && s.quirk.has(dbHandleShared):
		p, free := s.openHandle()
		if !free {
			return errorReply(foreignHandle)
		}
		defer s.closeHandle(p)
	}
	if r.cmd == wire.List {
		return s.list(ctx, m, g)
	}
	target, fault := s.locate(ctx, g, &r.at, m.Home, nil)
	if fault == "" {
		fault = s.permit(ctx, g, r, m, target)
	}
	if fault != "" {
		return errorReply(fault)
	}
	c := call{request: r, vm: m, group: g, target: target, label: s.label(g, target, m.Home)}
	first, second := c.label.lock, ""
	if r.cmd == wire.Create && !s.quirk.has(cloneDeadlock) {
		if _, clone := r.opts[optCloneFrom]; clone {
			first, second = s.inOrder(ctx, &c)
		}
	}
	if s.snapshots != nil {
		if delta, ok := s.newest(ctx, target); ok {
			c.target, c.label = delta, s.label(g, delta, m.Home)
		}
	}
	return s.lockedBy(ctx, &c, first, second)
}

// lockedBy executes a command under the lock of its volume, and under a second one unless that is "".
func (s *Service) lockedBy(ctx context.Context, c *call, first, second string) (reply []byte) {
	lock, err := s.locks.acquire(ctx, first)
	if err != nil {
		return errorReply(noVolumeLock + err.Error())
	}
	defer lock.release()
	s.met(lock)
	if second != "" {
		other, err := s.locks.acquire(ctx, second)
		if err != nil {
			return errorReply(noVolumeLock + err.Error())
		}
		defer other.release()
	}
	return s.locked(ctx, c)
}

// locked executes a command whose locks are held.
func (s *Service) locked(ctx context.Context, c *call) (reply []byte) {
	if len(s.cfg.Latency) > 0 {
		if err := s.take(ctx, c); err != nil {
			return errorReply("Server returned an error: " + err.Error())
		}
	}
	if !s.quirk.has(orphansRunOn) && ctx.Err() != nil {
		return nil // nobody is there to read it
	}
	reply, fault := s.dispatch(ctx, c)
	if fault != "" {
		s.mu.lock()
		reply = s.memo.refusal(fault)
		s.mu.unlock()
	}
	return reply
}

// take is the time that a command takes.
func (s *Service) take(ctx context.Context, c *call) error {
	if d := s.cfg.Latency[c.cmd]; d > 0 {
		return s.env.Sleep(ctx, d)
	}
	return nil
}

func (s *Service) dispatch(ctx context.Context, c *call) (reply []byte, fault string) {
	switch c.cmd {
	case wire.Create:
		return s.create(ctx, c)
	case wire.Remove:
		return s.remove(ctx, c)
	case wire.Get:
		return s.get(ctx, c)
	case wire.Attach, wire.Detach:
		return s.reconfigure(ctx, c)
	default:
		return nil, "Unknown command:" + string(c.cmd)
	}
}

// reconfigure runs attach or detach under the lock of the VM, which is taken after that of the volume.
func (s *Service) reconfigure(ctx context.Context, c *call) (reply []byte, fault string) {
	if !s.quirk.has(noVMLock) {
		lock, err := s.vmLocks.acquire(ctx, c.vm.BIOSUUID)
		if err != nil {
			return nil, "Server returned an error: no lock of the VM: " + err.Error()
		}
		defer lock.release()
		s.met(lock)
	}
	if c.cmd == wire.Attach {
		return s.attach(ctx, c)
	}
	return s.detach(ctx, c)
}

// label returns the labels of a volume for a calling VM. The lock is named after the caller's home datastore, not after
// the volume's (docs/original.md §2.11).
func (s *Service) label(g *group, v Volume, home string) *labels {
	datastore := v.Datastore
	switch {
	case s.quirk.has(lockByName):
		datastore = ""
	case s.quirk.has(homeLock):
		datastore = home
	}
	s.mu.lock()
	l := s.memo.label(v, datastore, g)
	s.mu.unlock()
	return l
}

// readMeta returns a volume's metadata; ok is false if there is none or it is unreadable, which the original does not
// tell apart.
func (s *Service) readMeta(ctx context.Context, files Store, v Volume, l *labels) (meta Meta, ok bool) {
	s.env.Touch(l.meta, false)
	text, err := s.readSidecar(ctx, files, v)
	if err == nil {
		var known *Meta
		s.mu.lock()
		known, err = s.memo.Meta(text)
		s.mu.unlock()
		if err == nil {
			meta = *known
		}
	}
	if err != nil && !errors.Is(err, ErrNotExist) {
		s.log.Warn("metadata not read", "host", s.cfg.Host, "volume", v.Name, "datastore", v.Datastore, "err", err)
	}
	return meta, err == nil
}

// writeMeta replaces a volume's metadata. Most callers go on after a failure, as the original does.
func (s *Service) writeMeta(ctx context.Context, files Store, v Volume, l *labels, meta Meta) error {
	s.env.Touch(l.meta, true)
	s.mu.lock()
	text := s.memo.encode(meta)
	s.mu.unlock()
	err := s.writeSidecar(ctx, files, v, l, text)
	if err != nil {
		s.log.Warn("metadata not written", "host", s.cfg.Host, "volume", v.Name, "datastore", v.Datastore, "err", err)
	}
	return err
}
