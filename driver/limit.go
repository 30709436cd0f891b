package driver

import (
	"context"
	"time"

	"vmdkvol/seam"
)

// How many attaches and detaches may be in flight. The fewest are enough to keep an ESX side busy that serves a VM one at
// a time, as the real one does, and few enough not to flood it: what waits here can be given up, what waits there becomes
// an unknown outcome. The most are more than a VM has places for disks.
const (
	fewestPlugging = 16
	mostPlugging   = 64
)

// pluggings are timed apart, because one may be a longer task than the other.
type plugging int

const (
	attaching plugging = iota
	detaching
	numPluggings
)

// limit lets a bounded number of tasks do something at once: more where the service proves to serve them at once. That
// shows when it is asked for as much as the limit allows and answers no later than if asked for little; if it does not,
// the limit is the lowest again. This is TCP Vegas' way to find out how much a network takes, in its simplest form.
type limit struct {
	env      seam.Env
	monitor  seam.Monitor // guards what follows
	max      int
	running  int
	quickest [numPluggings]time.Duration // answer so far; 0: none yet
}

func newLimit(env seam.Env) *limit {
	return &limit{env: env, monitor: env.NewMonitor("plugging"), max: fewestPlugging}
}

// enter waits for a place. Whoever got one calls leave.
func (l *limit) enter(ctx context.Context) error {
	if err := l.monitor.Lock(ctx); err != nil {
		return err
	}
	defer l.monitor.Unlock()
	for l.running >= l.max {
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
func (l *limit) touch() { l.env.Touch("plugging", l.running >= l.max || l.max > fewestPlugging) }

// leave gives the place back. took is how long the service needed to do p; 0 says nothing, as a failure does.
func (l *limit) leave(p plugging, took time.Duration) {
	_ = l.monitor.Lock(context.Background()) // cannot fail: the context never ends
	l.touch()
	if l.running >= l.max { // otherwise nobody waits
		l.monitor.Wake()
	}
	if took > 0 {
		l.adapt(p, took)
	}
	l.running--
	l.monitor.Unlock()
}

// adapt draws the conclusion from one answer.
func (l *limit) adapt(p plugging, took time.Duration) {
	if q := l.quickest[p]; q == 0 || took < q {
		l.quickest[p] = took
	}
	switch {
	case took > 2*l.quickest[p]:
		l.max = fewestPlugging
	case l.running == l.max:
		l.max = min(l.max+1, mostPlugging)
	}
}
