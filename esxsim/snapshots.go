package esxsim

import (
	"context"
	"path"
	"slices"
	"strings"
)

// newest returns what the original takes for a volume's disk: the snapshot's descriptor that changed last, if there is
// one, else the volume and false (docs/original.md §2.5). It is asked before the lock is taken.
func (s *Service) newest(ctx context.Context, v Volume) (delta Volume, ok bool) {
	deltas := s.snapshots.Deltas(ctx, v.Datastore, v.Vmgroup)
	if len(deltas) == 0 {
		return v, false
	}
	s.env.Touch(listLabel(v.Datastore), false)
	for _, delta := range slices.Backward(deltas) {
		if s.isDelta(delta, v.Name) {
			v.Name = delta
			return v, true
		}
	}
	return v, false
}

// isDelta reports whether a descriptor is one of a volume's snapshots. The original uses the name as a pattern (D20).
func (s *Service) isDelta(delta, volume string) bool {
	if !snapshotName(delta) {
		return false
	}
	base := delta[:len(delta)-len("-000000")]
	if !s.quirk.has(globNames) || !strings.ContainsAny(volume, "*?[") {
		return base == volume
	}
	ok, err := path.Match(volume, base)
	return ok && err == nil
}

// TakeSnapshot makes what ESX makes when a VM that has the disk of a volume is snapshotted: a descriptor called like the
// volume with "-" and six digits, which has the disk's bytes, its lock and its metadata from then on. It returns the
// new descriptor as a volume. A test or an operator of a world calls it; the service never does.
func (s *MemStore) TakeSnapshot(v Volume) (Volume, error) {
	s.mu.lock()
	defer s.mu.unlock()
	n := 1
	from, delta := v, v
	for delta.Name = deltaName(v.Name, n); s.disk(&delta) != nil; delta.Name = deltaName(v.Name, n) {
		from = delta
		n++
	}
	f := s.disk(&from)
	if f == nil {
		return Volume{}, memError("snapshot", v, ErrNotExist)
	}
	if _, err := s.create(delta, f.disk.Size, f.disk.Format); err != nil {
		return Volume{}, err
	}
	to := s.at(&delta)
	to.disk.ID = f.disk.ID // the same bytes
	to.meta, to.owner = f.meta, f.owner
	f.meta, f.owner = nil, ""
	s.deltas = append(s.deltas, delta)
	return delta, nil
}

func deltaName(base string, n int) string {
	digits := []byte("-000000")
	for i := len(digits) - 1; n > 0 && i > 0; i-- {
		digits[i] = '0' + byte(n%10)
		n /= 10
	}
	return base + string(digits)
}

// Deltas implements [Snapshots].
func (s *MemStore) Deltas(_ context.Context, datastore, vmgroup string) []string {
	s.mu.lock()
	defer s.mu.unlock()
	var names []string
	for _, d := range s.deltas {
		if d.Datastore == datastore && d.Vmgroup == vmgroup && s.disk(&d) != nil {
			names = append(names, d.Name)
		}
	}
	return names
}
