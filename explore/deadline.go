package explore

import (
	"context"
	"time"
)

var errDeadline = context.DeadlineExceeded

// deadline is a context that ends in virtual time. Deadlines are used again by later runs: a context does not outlive
// the run that made it.
type deadline struct {
	context.Context // the parent
	k               *Kernel
	up              *deadline // the parent, if that is a deadline
	plain           bool      // nothing above it but deadlines can end it
	owner           *Task     // who made it
	made            int       // in which step
	at              time.Time
	err             error
	done            chan struct{}
	cancel          context.CancelFunc // made once, and kept when the deadline is used again
}

//go:norace
func (k *Kernel) newDeadline(parent context.Context, at time.Time) *deadline {
	var d *deadline
	if k.deadlinesUsed < len(k.deadlines) {
		d = k.deadlines[k.deadlinesUsed]
	} else {
		d = &deadline{}
		d.cancel = func() {
			d.k.drop(d, nil)
			if d.k.notes && d.owner != d.k.current {
				d.k.touch(d.k.deadlinesOf(d.owner), true)
			}
			d.end(context.Canceled)
		}
		k.deadlines = append(k.deadlines, d)
	}
	k.deadlinesUsed++
	cancel := d.cancel
	*d = deadline{}
	d.Context, d.k, d.at, d.owner, d.made, d.cancel = parent, k, at, k.current, k.steps, cancel
	if up, ok := parent.(*deadline); ok {
		d.up, d.plain = up, up.plain
	} else {
		d.plain = parent.Done() == nil
	}
	k.wary = k.wary || !d.plain
	return d
}

//go:norace
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Err is for tasks. One that asks about another's deadline commutes with no step, because the other may cancel it.
//
//go:norace
func (d *deadline) Err() error {
	d.k.foreign(d)
	return d.ended()
}

// foreign says in the footprint that the current task looks whether a context has ended: one of its own, which only the clock
// ends, or one that another task can cancel.
//
//go:norace
func (k *Kernel) foreign(ctx context.Context) {
	if k.notes {
		k.consulted(k.current, ctx)
	}
}

// forestalls says in the footprint that the current step wakes a task, which then does not give up any more: whether it could have
// depends on its context. The task itself need not look, before or after.
//
//go:norace
func (k *Kernel) forestalls(t *Task) {
	if !k.notes || t.ctx == nil {
		return
	}
	k.consulted(t, t.ctx)
	if t.follows != "" {
		k.touch(t.follows, false)
	}
}

// consulted is foreign for a watcher, and for the context of any task.
//
//go:norace
func (k *Kernel) consulted(t *Task, ctx context.Context) {
	if d, ok := ctx.(*deadline); ok && t != nil {
		for e := d; e != nil; e = e.up {
			if e.owner != t {
				k.touch(everything, true)
				return
			}
			if e.made == k.steps && k.options.Faults == 0 {
				continue // nobody else knows it yet, and the clock does not move while somebody can go on
			}
			k.touch(k.deadlinesOf(e.owner), false)
		}
	}
}

// ended is Err for the kernel, which asks on behalf of nobody.
//
//go:norace
func (d *deadline) ended() error {
	for e := d; e != nil; e = e.up {
		if e.err != nil {
			happenedAfter(e)
			return e.err
		}
		if e.up == nil && !e.plain {
			return e.Context.Err()
		}
	}
	return nil
}

// Done exists for code outside the decision packages; code inside cannot receive from a channel.
//
//go:norace
func (d *deadline) Done() <-chan struct{} {
	if d.done == nil {
		d.done = make(chan struct{})
		if err := d.ended(); err != nil {
			d.err = err // its parent's, perhaps: it ends once
			close(d.done)
		}
	}
	return d.done
}

//go:norace
func (d *deadline) end(err error) {
	if d.err != nil {
		return
	}
	happensBefore(d)
	d.err = err
	if d.done != nil {
		close(d.done)
	}
	for _, t := range d.k.live {
		if t.state != ready && t.ctx != nil {
			d.k.heed(t)
		}
	}
}

// heed has the kernel ask contexts if that of a task has ended, or can end without its knowing.
//
//go:norace
func (k *Kernel) heed(t *Task) {
	d, ok := t.ctx.(*deadline)
	if k.wary || ok && d.err == nil && d.up == nil && d.plain {
		return
	}
	k.wary = !ok || d.ended() != nil
}
