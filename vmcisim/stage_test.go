package vmcisim_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

var _ vmdkops.Transport = (*vmcisim.Endpoint)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a script for real goroutines: a point named in gates blocks until the test opens it, a point named in
// faults fails so, once. Points are written "net.request vm1:get:data".
type stage struct {
	mu     sync.Mutex
	gates  map[string]*gate
	faults map[string]string
	seen   []string
}

type gate struct{ reached, open chan struct{} }

func (s *stage) gate(point string) *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gates == nil {
		s.gates = map[string]*gate{}
	}
	g := &gate{make(chan struct{}), make(chan struct{})}
	s.gates[point] = g
	return g
}

func (s *stage) Before(op, object string) {
	s.mu.Lock()
	s.seen = append(s.seen, op+" "+object)
	g := s.gates[op+" "+object]
	delete(s.gates, op+" "+object)
	s.mu.Unlock()
	if g != nil {
		close(g.reached)
		<-g.open
	}
}

func (s *stage) Choose(op, object string, faults ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	want, ok := s.faults[op+" "+object]
	if !ok {
		return 0
	}
	delete(s.faults, op+" "+object)
	i := slices.Index(faults, want)
	if i < 0 {
		panic(fmt.Sprintf("no fault %q at %s %s", want, op, object))
	}
	return i + 1
}

// inline is an Env with one task at a time: Go runs the function at once, and to wait is a deadlock.
type inline struct {
	locks []string
	names []string
}

func (*inline) Now() time.Time                             { return time.Time{} }
func (*inline) Sleep(context.Context, time.Duration) error { panic("deadlock: sleep") }
func (*inline) Touch(string, bool)                         {}
func (e *inline) Go(name string, f func())                 { e.names = append(e.names, name); f() }
func (e *inline) NewMonitor(name string) seam.Monitor      { return &inlineMonitor{e, name} }
func (*inline) WithDeadline(ctx context.Context, _ time.Time) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

type inlineMonitor struct {
	e    *inline
	name string
}

func (m *inlineMonitor) Lock(context.Context) error {
	m.e.locks = append(m.e.locks, m.name)
	return nil
}
func (m *inlineMonitor) Unlock()                    {}
func (m *inlineMonitor) Wait(context.Context) error { panic("deadlock: " + m.name) }
func (m *inlineMonitor) Wake()                      {}

// crashing is a real Env whose monitors panic in Wait once crash is closed, as those of a crashed world do.
type crashing struct {
	seam.Env
	crash chan struct{}
}

func (e crashing) NewMonitor(name string) seam.Monitor {
	return &crashingMonitor{e.Env.NewMonitor(name), e.crash}
}

type crashingMonitor struct {
	seam.Monitor
	crash chan struct{}
}

func (m *crashingMonitor) Wait(context.Context) error {
	m.Monitor.Unlock()
	<-m.crash
	_ = m.Monitor.Lock(context.Background())
	panic("crashed")
}
