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
	monitor seam.Monitor // guards running
	max     int
	running int
}

func newLimit(env seam.Env, n int) *limit {
	return &limit{monitor: env.NewMonitor("plugging"), max: n}
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
	return nil
}

func (l *limit) leave() {
	_ = l.monitor.Lock(context.Background()) // cannot fail: the context never ends
	l.running--
	l.monitor.Wake()
	l.monitor.Unlock()
}
