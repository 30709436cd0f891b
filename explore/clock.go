package explore

import (
	"slices"
	"time"
)

// epoch is where virtual time begins. The date is the one of the merge that this project answers.
var epoch = time.Date(2016, time.December, 20, 19, 35, 28, 0, time.UTC)

type timer struct {
	at   time.Duration
	seq  int
	fire func()
}

// after registers a timer; those of one instant fire in the order of their registration.
func (k *Kernel) after(d time.Duration, fire func()) *timer {
	k.timerSeq++
	t := &timer{at: k.now + max(d, 0), seq: k.timerSeq, fire: fire}
	i, _ := slices.BinarySearchFunc(k.timers, t, func(a, b *timer) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.seq - b.seq
	})
	k.timers = slices.Insert(k.timers, i, t)
	return t
}

func (k *Kernel) drop(t *timer) {
	if i := slices.Index(k.timers, t); i >= 0 {
		k.timers = slices.Delete(k.timers, i, i+1)
	}
}

// tick moves the clock to the next timer and fires it.
func (k *Kernel) tick() {
	t := k.timers[0]
	k.timers = slices.Delete(k.timers, 0, 1)
	k.now = t.at
	k.note(Event{Kind: ClockEvent, Task: clockName, Text: k.now.String()})
	t.fire()
}

// clockName stands for the clock where a schedule names a task.
const clockName = "clock"
