package explore

import "time"

// epoch is where virtual time begins. The date is the one of the merge that this project answers.
var epoch = time.Date(2016, time.December, 20, 19, 35, 28, 0, time.UTC)

// timer ends a deadline or a sleep.
type timer struct {
	at       time.Duration
	deadline *deadline // or
	sleeper  *Task
}

// schedule registers a timer.
//
//go:norace
func (k *Kernel) schedule(t timer) {
	k.arranges()
	i := len(k.timers)
	k.timers = append(k.timers, t)
	for i > 0 && k.timers[i-1].at > t.at {
		k.timers[i] = k.timers[i-1]
		i--
	}
	k.timers[i] = t
}

// drop takes the timer of a deadline or of a sleeper away, if it has not fired.
//
//go:norace
func (k *Kernel) drop(d *deadline, sleeper *Task) {
	k.arranges()
	for i, t := range k.timers {
		if t.deadline == d && t.sleeper == sleeper {
			for ; i+1 < len(k.timers); i++ { // not append: the runtime's copy reports to the race detector
				k.timers[i] = k.timers[i+1]
			}
			k.timers = k.timers[:i]
			return
		}
	}
}

// arranges says that the current step sets a timer or takes one away.
//
//go:norace
func (k *Kernel) arranges() {
	if k.notes {
		k.footprint = append(k.footprint, Access{timersObject, arrange})
	}
}

// looks says that the current step asks for the time.
//
//go:norace
func (k *Kernel) looks() {
	if k.notes {
		k.touch(timeObject, false)
	}
}

// tick moves the clock to the next instant that has timers and fires all of them: which task set its own first is no
// matter, and schedules say who acts first. Of a sleep and a deadline around it that end together, the deadline counts.
//
//go:norace
func (k *Kernel) tick() {
	k.now = k.timers[0].at
	k.time = epoch.Add(k.now)
	k.note(ClockEvent, clockName, k.now.String())
	k.access(timeObject, Write)
	k.access(timersObject, Write)
	for len(k.timers) > 0 && k.timers[0].at == k.now {
		t := k.timers[0]
		for i := 1; i < len(k.timers); i++ { // as in drop
			k.timers[i-1] = k.timers[i]
		}
		k.timers = k.timers[:len(k.timers)-1]
		switch {
		case t.deadline != nil:
			if k.notes {
				k.touch(k.deadlinesOf(t.deadline.owner), true)
			}
			k.expire(t.deadline)
		case !t.sleeper.expired():
			t.sleeper.woken, t.sleeper.gate, t.sleeper.cause = true, &k.open, k.steps
		}
	}
}

// nextTick is what tick would access, for a watcher. It is valid until the next call.
//
//go:norace
func (k *Kernel) nextTick() []Access {
	k.tickOf(k.timers)
	return k.ahead
}

// tickOf is nextTick if these were the timers. It returns those that would be left.
//
//go:norace
func (k *Kernel) tickOf(timers []timer) []timer {
	k.ahead = append(k.ahead[:0], Access{timeObject, Write}, Access{timersObject, Write})
	for i, t := range timers {
		if t.at != timers[0].at {
			return timers[i:]
		}
		if t.deadline != nil {
			k.ahead = append(k.ahead, Access{k.deadlinesOf(t.deadline.owner), Write})
		}
	}
	return nil
}

// couldTick tells who wants to know it what the clock would access if it moved on, as often as the budget allows: it may be a later
// step of it that comes too late for somebody.
//
//go:norace
func (k *Kernel) couldTick() {
	timers := k.timers
	for n := 0; n < k.faults && len(timers) > 0; n++ {
		timers = k.tickOf(timers)
		k.denied.couldTick(k.ahead)
	}
}

// expire ends a deadline. Whoever can go on only because of that has the clock to thank.
//
//go:norace
func (k *Kernel) expire(d *deadline) {
	if k.watcher == nil {
		d.end(errDeadline)
		return
	}
	k.stuck = k.stuck[:0]
	for _, t := range k.live {
		if !t.enabled() {
			k.stuck = append(k.stuck, t)
		}
	}
	d.end(errDeadline)
	for _, t := range k.stuck {
		if t.enabled() {
			t.cause = k.steps
		}
	}
}

// clockName stands for the clock where a schedule names a task.
const clockName = "clock"
