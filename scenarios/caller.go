package scenarios

import (
	"context"

	"vmdkvol/explore"
)

// goneFault is what can happen to a request on Docker's side: whoever asked goes away, and nobody hears the answer.
const goneFault = "gone"

// goneTask begins the name of the task that ends a request's context; the client's name follows.
const goneTask = "gone:"

// caller is the context of a request of Docker's. After the fault "gone" it ends when the task of that name runs, which
// is a task like any other: by default when the request first waits, and under other schedules at any moment. Whoever gets
// the context calls w.k.Follow("") when the request is over.
func (w *World) caller(h *host, call *Call, l *line) context.Context {
	ctx := context.Background()
	switch i := w.props.Choose(l.point, call.Op.Volume, w.t.requestFaults...); {
	case i == 0:
		return ctx
	case i > 1:
		w.strike(w.t.script.Crashes[i-2], h, call)
		return ctx
	}
	ctx, leave := context.WithCancel(ctx)
	name := goneTask + call.Client
	w.k.Follow(name)
	w.docker.Go(name, func() {
		w.docker.Touch(name, true)
		// Before the table of volumes the driver may have done all it does, and then it cannot know.
		at, there := w.k.Where(call.Client)
		call.gone = there && at != explore.Point{Op: "lock", Object: "volumes"}
		leave()
	})
	return ctx
}
