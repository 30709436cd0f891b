package explore

import (
	"sync"
	"sync/atomic"
	"time"
)

// Watchdog reports steps that do not end: code that blocks outside the seam, on a channel, a sync.Mutex or the real
// clock, or that runs for ever. Without it such a step stops a search in silence. Any number of runners may share one, by
// [Options]; its methods are safe for concurrent use.
//
// It is the only part of this package that has a goroutine and a clock of its own, and it changes nothing: every so often
// it raises a flag, and the next step to end takes it down again. To see that there is no flag costs a step one load.
type Watchdog struct {
	after  time.Duration
	report func(Blocked)
	stop   chan struct{}

	mu     sync.Mutex
	pulses []*pulse
}

// NewWatchdog starts one that calls report once for every step that takes longer than after; a step that takes less than
// three quarters of that is never reported. The report comes on the watchdog's goroutine, while the step still hangs: the
// run, and whoever waits for it, cannot be helped. Stop it.
func NewWatchdog(after time.Duration, report func(Blocked)) *Watchdog {
	w := &Watchdog{after: after, report: report, stop: make(chan struct{})}
	go w.watch()
	return w
}

// Stop ends the watchdog; a report that is under way goes on.
func (w *Watchdog) Stop() { close(w.stop) }

// pulse is what a runner and its watchdog share.
type pulse struct {
	k       *Kernel
	owner   *Watchdog
	runner  int64 // the goroutine of the runner
	running atomic.Bool
	flag    atomic.Bool // raised by the watchdog, taken down by steps

	// The watchdog's.
	raised   time.Time
	reported bool
}

// attach makes the runner's pulse known to the watchdog.
func (w *Watchdog) attach(k *Kernel) *pulse {
	p := &pulse{k: k, owner: w, runner: goroutine()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pulses = append(w.pulses, p)
	return p
}

// detach forgets it.
func (w *Watchdog) detach(p *pulse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, q := range w.pulses {
		if q == p {
			w.pulses = append(w.pulses[:i], w.pulses[i+1:]...)
			return
		}
	}
}

// looks is how often the watchdog looks in the time that a step may take.
const looks = 8

func (w *Watchdog) watch() {
	tick := time.NewTicker(max(w.after/looks, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		for _, b := range w.hanging() {
			w.report(b)
		}
	}
}

// hanging looks at all runners.
func (w *Watchdog) hanging() []Blocked {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []Blocked
	for _, p := range w.pulses {
		if !p.running.Load() || !p.flag.Load() {
			p.raised, p.reported = time.Now(), false
			p.flag.Store(true)
			continue
		}
		took := time.Since(p.raised)
		if p.reported || took < w.after*(looks-2)/looks {
			continue
		}
		if b, ok := p.blocked(); ok {
			b.Took = took
			p.reported = true
			found = append(found, b)
		}
	}
	return found
}
