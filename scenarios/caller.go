package scenarios

import (
	"context"

	"vmdkvol/explore"
)

// goneFault is what can happen to a request on Docker's side: whoever asked goes away, and nobody hears the answer.
const goneFault = "gone"

// goneFaults is a variable only because a literal would be allocated at every call.
var goneFaults = []string{goneFault}

// goneTask begins the name of the task that ends a request's context; the client's name follows.
const goneTask = "gone:"

// caller is the context of a request of Docker's. After the fault "gone" it ends when the task of that name runs, which
// is a task like any other: by default when the request first waits, and under other schedules at any moment. Whoever gets the context calls w.k.Follow("") when the request is over.
func (w *World) caller(call *Call, l *line) context.Context {
	ctx := context.Background()
	if w.props.Choose(l.point, call.Op.Volume, goneFaults...) == 0 {
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
