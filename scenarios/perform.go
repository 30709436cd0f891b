package scenarios

import (
	"context"

	"vmdkvol/driver"
)

const okAnswer = "ok"

// Call is one operation of a run and what came of it.
type Call struct {
	Client string
	Op     Op
	Answer string // "" while it runs

	mountpoint string
	invoked    int64 // logical times
	returned   int64
}

// perform is the life of a client.
func (w *World) perform(c Client) {
	for _, op := range c.Ops {
		call := w.judge.invoke(c.Name, op)
		mountpoint, err := w.do(op)
		answer := okAnswer
		if err != nil {
			answer = driver.KindOf(err).String()
		}
		w.judge.answer(call, mountpoint, answer, err)
	}
}

func (w *World) do(op Op) (mountpoint string, err error) {
	ctx := context.Background()
	switch op.Verb {
	case "create":
		return "", w.driver.Create(ctx, op.Volume, op.Opts)
	case "remove":
		return "", w.driver.Remove(ctx, op.Volume)
	case "mount":
		return w.driver.Mount(ctx, op.Volume, op.ID)
	case "unmount":
		return "", w.driver.Unmount(ctx, op.Volume, op.ID)
	default:
		v, err := w.driver.Get(ctx, op.Volume)
		return v.Mountpoint, err
	}
}
