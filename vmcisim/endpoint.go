package vmcisim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
)

// What a client sees of a broken connection, next to the errors of driver/wire; compare with errors.Is.
var (
	ErrReset   = errors.New("connection reset by peer")
	ErrRefused = errors.New("connection refused")                // together with wire.ErrNotSent
	ErrNoPort  = errors.New("no source port below 1024 is free") // together with wire.ErrNotSent
)

// Endpoint is the transport of one guest. It satisfies vmdkops.Transport.
type Endpoint struct {
	n    *Network
	peer string
	env  seam.Env

	conn    seam.Monitor // the shared connection; nil if each request has its own
	waiting []*call      // guarded by conn: who waits for a reply, longest first
}

// call is one round trip. Unless it says otherwise, fields are guarded by Network.guard.
type call struct {
	e           *Endpoint
	to          *service // which has the request; fixed when it is sent
	name, label string   // fixed
	about       string   // the volume, as the label names it; fixed
	request     []byte   // fixed; a frame
	direction   Direction
	size        int
	gone        bool // nobody waits for the answer
	read        bool // the service reads from its connection; for the carrier alone

	mon      seam.Monitor // the caller waits here; the connection, if that is shared
	answered bool         // guarded by mon
	answer   answer       // guarded by mon

	fly func() // carries the call, in whatever network it is

	// Room for frames of usual size, so that they cost no allocation. Each is used once; a reply that takes more leaves
	// its own room to the next call.
	requestRoom, usualReply [104]byte
	replyRoom               []byte
}

func makeCall() *call {
	c := &call{}
	c.replyRoom = c.usualReply[:0]
	c.fly = func() {
		n := c.e.n
		defer n.ended()
		n.carry(c)
	}
	return c
}

// reset clears a call, but for its rooms, which are overwritten before they are read.
func (c *call) reset() {
	c.e, c.to, c.name, c.label, c.about, c.request = nil, nil, "", "", "", nil
	c.direction, c.size, c.gone, c.read = Request, 0, false, false
	c.mon, c.answered, c.answer = nil, false, answer{}
}

// RoundTrip sends the text of one request and returns the text of the reply. An error that wraps wire.ErrNotSent says
// that the request never executes; after any other error it may have been executed, or may be later. When ctx is done
// first, the error wraps context.Cause(ctx).
func (e *Endpoint) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("vmcisim: %w: %w", wire.ErrNotSent, context.Cause(ctx))
	}
	c := e.n.newCall()
	c.e = e
	r := e.n.route(e, request)
	c.name, c.label, c.about = e.n.name(e, r), r.label, r.about
	e.n.cfg.Stage.Before(r.op, r.object)
	if e.n.faults.connect.names != nil {
		if err := e.connect(ctx, c); err != nil {
			return nil, fmt.Errorf("vmcisim: %s: %w: %w", c.label, wire.ErrNotSent, err)
		}
	}
	c.request = wire.AppendFrame(c.requestRoom[:0], request)
	c.size = len(c.request)
	exchange := e.exchange
	if e.n.cfg.Direct {
		exchange = e.errand
	}
	reply, err := exchange(ctx, c)
	if err != nil {
		return nil, err
	}
	var text []byte
	if reply.pieces != nil {
		text, err = wire.ReadFrame(reply.pieces, wire.MaxReply)
	} else {
		text, err = wire.ParseFrame(reply.frame, wire.MaxReply)
	}
	if err != nil {
		return nil, fmt.Errorf("vmcisim: %s: %w", c.label, err)
	}
	return text, nil
}

// connect is what can go wrong before there is a connection.
func (e *Endpoint) connect(ctx context.Context, c *call) error {
	m := &e.n.faults.connect
	i := e.n.cfg.Stage.Choose("net.connect", c.label, m.names...)
	if i == 0 {
		return nil
	}
	switch m.rare[i-1].kind {
	case noPort:
		return ErrNoPort
	case refused:
		return ErrRefused
	}
	// hang: the backlog of the service is full, and nobody accepts
	mon := e.env.NewMonitor(c.name)
	if err := mon.Lock(ctx); err != nil {
		return err
	}
	defer mon.Unlock()
	for {
		if err := mon.Wait(ctx); err != nil {
			return err
		}
	}
}

// exchange sends the request and returns the answer. The call's monitor is held from before the request leaves until
// the caller waits, so that the answer always finds it waiting.
func (e *Endpoint) exchange(ctx context.Context, c *call) (answer, error) {
	if c.mon = e.conn; c.mon == nil {
		c.mon = e.env.NewMonitor(c.name)
	}
	if err := c.mon.Lock(ctx); err != nil {
		return answer{}, fmt.Errorf("vmcisim: %s: %w: %w", c.label, wire.ErrNotSent, err)
	}
	defer c.mon.Unlock()
	if err := e.n.send(c); err != nil {
		return answer{}, err
	}
	defer e.n.forget(c) // in a defer, because a crash leaves Wait by a panic
	if e.conn != nil {
		e.waiting = append(e.waiting, c)
	}
	for !c.answered {
		if err := c.mon.Wait(ctx); err != nil && !c.answered {
			e.dequeue(c)
			return answer{}, fmt.Errorf("vmcisim: %s: %w", c.label, err)
		}
	}
	return c.answer, c.answer.err
}

// errand is exchange by who sends the request.
func (e *Endpoint) errand(ctx context.Context, c *call) (answer, error) {
	if err := e.n.send(c); err != nil {
		return answer{}, err
	}
	defer e.n.ended()
	e.n.carry(c)
	if ctx.Err() != nil {
		panic("vmcisim: " + c.label + " was given up on its way, and a direct network cannot tell what comes of that")
	}
	return c.answer, c.answer.err
}

func (e *Endpoint) dequeue(c *call) {
	if i := slices.Index(e.waiting, c); i >= 0 {
		e.waiting = slices.Delete(e.waiting, i, i+1)
	}
}

// errReset is what a client sees of most troubles: it says nothing about whether the request was executed.
func errReset(c *call) error {
	return fmt.Errorf("vmcisim: %s: %w", c.label, ErrReset)
}
