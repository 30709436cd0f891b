package front

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// inFlight counts the requests that have begun and not finished: the plugin library's Serve has no shutdown.
type inFlight struct {
	mu      sync.Mutex
	stopped bool
	last    uint64
	running map[uint64]begun
	idle    chan struct{} // closed once stopped and nothing runs
}

type begun struct {
	op, volume string
	at         time.Time
}

func newInFlight() *inFlight {
	return &inFlight{running: make(map[uint64]begun), idle: make(chan struct{})}
}

// begin reports false if no request may begin any more; otherwise the caller calls end with the id.
func (f *inFlight) begin(op, volume string, at time.Time) (id uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return 0, false
	}
	f.last++
	f.running[f.last] = begun{op: op, volume: volume, at: at}
	return f.last, true
}

func (f *inFlight) end(id uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, id)
	if f.stopped && len(f.running) == 0 {
		close(f.idle)
	}
}

// stop lets no request begin any more. It reports false if that was so before.
func (f *inFlight) stop() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return false
	}
	f.stopped = true
	if len(f.running) == 0 {
		close(f.idle)
	}
	return true
}

func (f *inFlight) stopping() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}

// names lists what runs, oldest first, for a human.
func (f *inFlight) names(now time.Time) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]begun, 0, len(f.running))
	for _, b := range f.running {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b begun) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.op, b.op), cmp.Compare(a.volume, b.volume))
	})
	out := make([]string, len(all))
	for i, b := range all {
		out[i] = fmt.Sprintf("%s %q since %s", b.op, b.volume, now.Sub(b.at).Round(time.Millisecond))
	}
	return out
}
