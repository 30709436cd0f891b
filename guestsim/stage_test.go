package guestsim_test

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"vmdkvol/driver"
	"vmdkvol/guestsim"
)

var _ driver.Guest = (*guestsim.Guest)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a script for one task: it notes the points, runs hooks at them, and injects each fault once. Points are
// written "guest.mount data@ds1".
type stage struct {
	seen   []string
	hooks  map[string]func()
	faults map[string]string
}

func (s *stage) Before(op, object string) {
	s.seen = append(s.seen, op+" "+object)
	if f := s.hooks[op]; f != nil {
		delete(s.hooks, op)
		f()
	}
}

func (s *stage) Choose(op, object string, faults ...string) int {
	want, ok := s.faults[op]
	if !ok {
		return 0
	}
	delete(s.faults, op)
	i := slices.Index(faults, want)
	if i < 0 {
		panic("no fault " + want + " at " + op)
	}
	return i + 1
}
