package scenarios

import (
	"context"
	"fmt"
	"maps"
	"math"

	"vmdkvol/esxsim"
	"vmdkvol/model"
)

// The oracles of this package. Those of guestsim (mkfs on data, surprise removal and others) and of the explorer (panic,
// deadlock, livelock) watch as well. Each judges one life of a plugin: what a crash or a loss of power ends is not
// mourned, and what it leaves behind is not held against the next life, because there is no recovery yet.
const (
	// OracleReply: a Mount was answered before its mountpoint was the disk, or with the wrong access mode (I4).
	OracleReply = "reply-before-mounted"
	// OracleHolder: a container holds a volume, and its mountpoint has stopped being the disk (I4). Containers of an
	// earlier life are watched until the next one begins.
	OracleHolder = "bare-directory"
	// OracleModel: no order of the operations of one life explains their answers (I9).
	OracleModel = "not-linearizable"
	// OracleGone: a Mount succeeded whose caller had gone; nobody will ever unmount it (I4).
	OracleGone = "mounted-for-nobody"
	// OracleEnd: when all is done, references, mounts and attachments disagree (I1, I2, I3).
	OracleEnd = "state-at-end"
	// OraclePending: when all is done, something is still in flight or locked (I10).
	OraclePending = "pending-at-end"
)

// holder is a container that was told that a volume is mounted.
type holder struct {
	host       *host
	client, id string
	volume     string // volume part
	mountpoint string
}

// judge watches one run. What clients tell it carries go:norace: they do so without any lock, taking turns, and the race
// detector is to judge the driver, not the judge.
type judge struct {
	w        *World
	time     int64
	troubled int64  // when the first life ended; 0: none has
	room     []Call // for calls to come
	calls    []*Call
	holders  []holder // of which it is certain
	wrong    []string // checks that failed
}

// tick is the next logical time.
//
//go:norace
func (j *judge) tick() int64 {
	j.time++
	return j.time
}

// trouble notes that from now on, an operation has an excuse to fail.
//
//go:norace
func (j *judge) trouble() {
	if j.troubled == 0 {
		j.troubled = j.tick()
	}
}

//
//go:norace
func (j *judge) invoke(h *host, client string, l *line) *Call {
	c := &j.room[0] // made for all operations of the script
	j.room = j.room[1:]
	*c = Call{Client: client, Op: l.op, host: h, life: h.life, invoked: j.tick(), returned: math.MaxInt64}
	j.calls = append(j.calls, c)
	j.w.t.called = j.calls
	j.w.k.Call(l.text)
	if j.w.k.Collects() {
		j.sawCall(c)
	}
	if l.op.Verb == "unmount" {
		j.forget(h, l.op)
	}
	return c
}

//
//go:norace
func (j *judge) answer(c *Call, l *line, answer string, err error) {
	c.returned, c.Answer = j.tick(), answer
	if c.kind == "" {
		c.kind = answer
	}
	if j.w.k.Collects() {
		j.sawAnswer(c, err)
	}
	switch {
	case err != nil:
		j.w.k.Return(l.text + arrow + answer + ": " + err.Error())
	case answer == okAnswer:
		j.w.k.Return(l.ok)
	default:
		j.w.k.Return(l.text + arrow + answer)
	}
	if c.Op.Verb == "mount" && answer == okAnswer {
		if c.gone {
			j.w.k.Fail(OracleGone, fmt.Sprintf("%s had gone, and still %s got a reference to %s", c.Client, c.Op.ID, c.Op.Volume))
		}
		h := holder{c.host, c.Client, c.Op.ID, volumePart(c.Op.Volume), c.mountpoint}
		if j.unmounting(c) {
			return
		}
		if why := j.bare(&h); why != "" {
			j.w.k.Fail(OracleReply, fmt.Sprintf("%s was told that %s is mounted at %s, but %s", h.client, c.Op.Volume, c.mountpoint, why))
		}
		j.holders = append(j.holders, h)
		j.w.t.holders = j.holders
	}
}

