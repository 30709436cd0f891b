package driver

import (
	"context"

	"vmdkvol/seam"
)

// maxPlugging is how many attaches and detaches may be in flight: enough to keep the ESX side, which serves a VM one at
// a time, always busy, and few enough not to flood it.
const maxPlugging = 16

// limit lets a bounded number of tasks do something at once.
type limit struct {
	env     seam.Env
	monitor seam.Monitor // guards running
	max     int
	running int
}

func newLimit(env seam.Env, n int) *limit {
	return &limit{env: env, monitor: env.NewMonitor("plugging"), max: n}
}

// enter waits for a place. Whoever got one calls leave.
func (l *limit) enter(ctx context.Context) error {
	if err := l.monitor.Lock(ctx); err != nil {
		return err
	}
	defer l.monitor.Unlock()
	for l.running == l.max {
		if err := l.monitor.Wait(ctx); err != nil {
			return err
		}
	}
	l.running++
	l.touch()
	return nil
}

// touch declares what the section does: while there is room to spare, those who enter and leave do not notice each
// other.
func (l *limit) touch() { l.env.Touch("plugging", l.running >= l.max) }

func (l *limit) leave() {
	_ = l.monitor.Lock(context.Background()) // cannot fail: the context never ends
	l.touch()
	if l.running == l.max { // otherwise nobody waits
		l.monitor.Wake()
	}
	l.running--
	l.monitor.Unlock()
}
