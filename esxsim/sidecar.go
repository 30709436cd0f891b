package esxsim

import (
	"context"
	"errors"
	"time"

	"vmdkvol/seam"
)

// sidecars is how the service reads and writes metadata where somebody can see more of it than the result
// (docs/original.md §2.14): the disk library is one lock for all volumes, a file can be busy, and it is written in place.
type sidecars struct {
	library seam.Monitor // nil: nobody can see it, and an access is one instant
	faults  struct{ busy, torn []string }
}

const (
	busyRetries = 6
	busyPause   = time.Second

	faultTorn  = "torn"
	chosenTorn = 2
)

// errCrossed is what comes of two calls of the disk library at once (quirk disklib-unlocked).
var errCrossed = errors.New("the disk library returned garbage")

var errBusy = errors.New("the file is busy (EBUSY)")

func (s *Service) openSidecars() {
	s.sidecars.library = s.env.NewMonitor("esx.library")
	s.sidecars.faults.busy = []string{faultInTask}
	s.sidecars.faults.torn = []string{faultFail, faultTorn}
}

// access is one access to a sidecar. It holds the lock of the disk library until close, whatever ends it.
type access struct {
	s    *Service
	held bool
	of   *process // that called the library without its lock; nil if it has the lock
}

func (a *access) lock(ctx context.Context) error {
	if s := a.s; s.quirk.has(diskLibUnlocked) {
		s.env.Touch(libraryLabel, true)
		s.mu.lock()
		defer s.mu.unlock()
		a.of, a.held = s.process, true
		a.of.library++
		return nil
	}
	err := a.s.sidecars.library.Lock(ctx)
	a.held = err == nil
	return err
}

// crossed reports whether another call of the library runs.
func (a *access) crossed() bool {
	if a.of == nil {
		return false
	}
	a.s.env.Touch(libraryLabel, false)
	a.s.mu.lock()
	defer a.s.mu.unlock()
	return a.of.library > 1
}

func (a *access) close() {
	switch {
	case !a.held:
	case a.of != nil:
		a.s.env.Touch(libraryLabel, true)
		a.s.mu.lock()
		a.of.library--
		a.s.mu.unlock()
	default:
		a.s.sidecars.library.Unlock()
	}
	a.held = false
}

// libraryLabel is the footprint of the disk library without its lock.
const libraryLabel = "disk library"

// open opens a sidecar, which can be busy for a while. The original pauses with the lock of all metadata (D16).
func (a *access) open(ctx context.Context, op, volume string) error {
	if err := a.lock(ctx); err != nil {
		return err
	}
	for try := 0; a.s.checkpoint(op, volume, a.s.sidecars.faults.busy) != 0; try++ {
		if try == busyRetries || a.s.quirk.has(busyOnce) {
			return errBusy
		}
		if !a.s.quirk.has(busyUnderLock) {
			a.close()
		}
		if err := a.s.env.Sleep(ctx, busyPause); err != nil {
			return err
		}
		if a.held {
			continue
		}
		if err := a.lock(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) readSidecar(ctx context.Context, files Store, v Volume) ([]byte, error) {
	if s.sidecars.library == nil {
		return files.ReadMeta(ctx, v)
	}
	a := access{s: s}
	defer a.close()
	if err := a.open(ctx, "esx.meta.read", v.Name); err != nil {
		return nil, err
	}
	if a.crossed() {
		return nil, errCrossed
	}
	return files.ReadMeta(ctx, v)
}

// writeSidecar empties the file, then fills it; a crash comes between, and so does a reader on another host.
func (s *Service) writeSidecar(ctx context.Context, files Store, v Volume, l *labels, text []byte) error {
	if s.sidecars.library == nil {
		return files.WriteMeta(ctx, v, text)
	}
	a := access{s: s}
	defer a.close()
	if err := a.open(ctx, "esx.meta.open", v.Name); err != nil {
		return err
	}
	torn := s.quirk.has(tornMetadata)
	if torn {
		s.env.Touch(l.meta, true)
		if err := files.WriteMeta(ctx, v, []byte{}); err != nil {
			return err
		}
	}
	switch s.checkpoint("esx.meta.write", v.Name, s.sidecars.faults.torn) {
	case chosenFail:
		return errors.New(generalFault)
	case chosenTorn:
		if torn {
			s.env.Touch(l.meta, true)
			_ = files.WriteMeta(ctx, v, text[:len(text)/2]) // has failed anyway
		}
		return errors.New(generalFault)
	}
	s.env.Touch(l.meta, true)
	return files.WriteMeta(ctx, v, text)
}
