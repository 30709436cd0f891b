package esxsim

import "context"

var _ Copying = (*MemStore)(nil)

// CloneDisk implements [Store]. What the disks contain is known to whoever called OnCopy.
func (s *MemStore) CloneDisk(ctx context.Context, from, to Volume, format Format) (Disk, error) {
	d, err := s.BeginCopy(ctx, from, to, format)
	if err != nil {
		return d, err
	}
	s.EndCopy(from, to, true)
	s.mu.lock()
	defer s.mu.unlock()
	if src := s.disk(&from); src != nil && src.meta != nil {
		s.at(&to).meta = src.meta
	}
	return d, nil
}

// BeginCopy implements [Copying].
func (s *MemStore) BeginCopy(_ context.Context, from, to Volume, format Format) (Disk, error) {
	s.mu.lock()
	defer s.mu.unlock()
	src := s.disk(&from)
	switch {
	case src == nil:
		return Disk{}, memError("clone", from, ErrNotExist)
	case src.owner != "" || src.partial:
		return Disk{}, memError("clone", from, ErrLocked)
	}
	d, err := s.create(to, src.disk.Size, format)
	if err != nil {
		return Disk{}, err
	}
	src.readers++
	s.at(&to).partial = true
	return d, nil
}

// EndCopy implements [Copying].
func (s *MemStore) EndCopy(from, to Volume, complete bool) {
	s.mu.lock()
	defer s.mu.unlock()
	src, dest := s.disk(&from), s.disk(&to)
	if src == nil || dest == nil || !dest.partial {
		return
	}
	src.readers--
	dest.partial = false
	if complete && s.copied != nil {
		s.copied(src.disk, dest.disk)
	}
}

// OnCopy sets what is called for every disk that is cloned, when it has the contents of its source, and under the store's
// guard. Call it before the store is used.
func (s *MemStore) OnCopy(f func(from, to Disk)) { s.copied = f }

// locked reports whether somebody has the file lock of the disk: a VM, or a copy that is not done.
func (f *memFiles) locked() bool { return f.owner != "" || f.readers > 0 || f.partial }
