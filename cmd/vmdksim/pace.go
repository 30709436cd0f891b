package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

// pace says how fast a verification goes on. The time left is what the programs that are still to come would take if they
// were like those that this call has done: those of one scope differ, so that it is a guess.
type pace struct {
	start          time.Time
	shown          time.Time
	programs, runs int          // before this call
	size           atomic.Int64 // programs in all; 0 until they are counted
}

func newPace(v *verification, programs, runs, shard, shards int) *pace {
	p := &pace{start: time.Now(), shown: time.Now(), programs: programs, runs: runs}
	scope := v.scope
	go func() { // a large scope takes seconds to count
		n := scope.Size()
		share := n / shards
		if shard <= n%shards {
			share++
		}
		p.size.Store(int64(share))
	}()
	return p
}

// line is for people, "" if it is too early for another one.
func (p *pace) line(c *certificate) string {
	size, elapsed := int(p.size.Load()), time.Since(p.start)
	if size == 0 || time.Since(p.shown) < 200*time.Millisecond {
		return ""
	}
	p.shown = time.Now()
	done := c.Programs - p.programs
	left := time.Duration(float64(elapsed) / float64(done) * float64(size-c.Programs))
	return fmt.Sprintf("%d of %d programs, %d runs, %.0f runs/s, about %v left", c.Programs, size, c.Runs,
		float64(c.Runs-p.runs)/elapsed.Seconds(), left.Round(time.Second))
}
