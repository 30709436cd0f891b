package vmcisim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vmdkvol/driver/wire"
)

// send puts a request in flight. It fails if nobody listens, or the backlog is full.
func (n *Network) send(c *call) error {
	n.lock()
	to := n.service
	var err error
	switch {
	case to == nil:
		err = fmt.Errorf("vmcisim: %s: %w: %w", c.label, wire.ErrNotSent, ErrRefused)
	case n.cfg.BacklogOne && n.crowded():
		err = errReset(c)
	}
	if err != nil {
		n.unlock()
		return err
	}
	c.to = to
	n.flying = append(n.flying, c)
	n.running++
	two := len(n.flying) > 1
	n.unlock()
	if two {
		n.saw(seenTwo)
	}
	if !n.cfg.Direct {
		to.env.Go(c.name, c.fly)
	}
	return nil
}

// crowded reports whether a request waits to be accepted; n is locked.
func (n *Network) crowded() bool {
	n.cfg.Env.Touch("net backlog", true)
	return slices.ContainsFunc(n.flying, func(c *call) bool { return c.direction == Request })
}

// accept waits until the service reads from the connection of a call, where it reads from one at a time.
func (n *Network) accept(c *call) {
	if r := c.to.receiver; r != nil {
		c.read = r.Lock(context.Background()) == nil // it cannot fail, but for the end of the service
	}
}

// accepted lets the service read from the next connection.
func (n *Network) accepted(c *call) {
	if c.read {
		c.read = false
		c.to.receiver.Unlock()
	}
}

// hold keeps the service reading from a connection on which nothing comes, until the client goes.
func (n *Network) hold(c *call) {
	for c.read && !n.abandoned(c) {
		_ = c.to.env.Sleep(context.Background(), time.Second) // cannot fail: this context never ends
	}
	n.accepted(c)
}

// ended counts a carrier out, for Close.
func (n *Network) ended() {
	if n.guard == nil {
		return
	}
	n.lock()
	n.running--
	n.guard.Wake()
	n.unlock()
}

// carry takes one request to the service and its reply back.
func (n *Network) carry(c *call) {
	stage := n.cfg.Stage
	if !n.cfg.Cooperative { // there the start of a task is a yield point itself
		stage.Before("net.request", c.label)
	}
	n.accept(c)
	defer n.accepted(c)
	peer, pieces := c.e.peer, (*stream)(nil)
	switch i := stage.Choose("net.request", c.label, n.faults.request.names...); i {
	case 0:
	case requestLose:
		n.accepted(c)
		stage.Before("net.reply", c.label)
		n.hand(c, answer{err: errReset(c)})
		return
	case requestReset:
		n.accepted(c)
		n.hand(c, answer{err: fmt.Errorf("vmcisim: %s: %w: %w", c.label, wire.ErrNotSent, ErrReset)})
		return
	case requestSilence:
		n.land(c)
		n.hold(c)
		return
	case requestDuplicate:
		n.turn(c, Executing, 0)
		n.execute(c, peer, slices.Clone(c.request), nil)
	default:
		f := n.faults.request.rare[i-requestRare]
		switch f.kind {
		case highPort: // the service closes and reads nothing
			n.accepted(c)
			stage.Before("net.reply", c.label)
			n.hand(c, answer{err: errReset(c)})
			return
		case runsOn: // the connection breaks when the service has the request
			n.accepted(c)
			n.tell(c, answer{err: errReset(c)})
		}
		peer, pieces = f.caller(peer), n.befall(c, f, c.request)
	}
	n.turn(c, Executing, 0)
	if n.witness != nil && n.abandoned(c) {
		n.saw(seenLate)
	}
	frame := n.execute(c, peer, c.request, pieces)
	n.turn(c, Reply, len(frame))

	if !n.cfg.Shared && n.abandoned(c) {
		n.land(c) // nobody can see what happens to this reply
		return
	}
	if !n.cfg.Cooperative { // there the lock that hand takes is the yield point
		stage.Before("net.reply", c.label)
	}
	if frame == nil {
		n.hand(c, answer{err: errReset(c)})
		return
	}
	switch i := stage.Choose("net.reply", c.label, n.faults.reply.names...); i {
	case 0:
		n.hand(c, answer{frame: frame})
	case replyLose:
		n.saw(seenUnsaid)
		n.hand(c, answer{err: errReset(c)})
	case replyTruncate:
		n.hand(c, answer{frame: frame[:len(frame)/2]})
	case replySilence:
		n.saw(seenUnsaid)
		n.land(c)
	default:
		n.hand(c, answer{frame: frame, pieces: n.befall(c, n.faults.reply.rare[i-replyRare], frame)})
	}
}

// befall is one of the rarer faults, on the way of a frame; nil if the frame arrives all the same.
func (n *Network) befall(c *call, f fault, frame []byte) *stream {
	switch f.kind {
	case delay:
		_ = c.to.env.Sleep(context.Background(), f.wait) // cannot fail: this context never ends
	case split:
		n.cfg.Stage.Before("net.rest", c.label)
	}
	return f.arrive(frame)
}

// caller is whom the service takes the caller for.
func (f fault) caller(peer string) string {
	switch f.kind {
	case noID:
		return ""
	case asOther:
		return f.peer
	default:
		return peer
	}
}

// execute returns the frame of the reply; nil if the service closed the connection.
func (n *Network) execute(c *call, peer string, request []byte, pieces *stream) []byte {
	peer = n.identify(c.to, peer) // before the frame is read (docs/original.md §1.4)
	text, err := n.receive(request, pieces)
	n.accepted(c)
	if n.cfg.GiveUp != nil {
		n.patience(c.to, err != nil)
	}
	if err != nil {
		return nil // the service refuses the frame (docs/original.md §1.5)
	}
	ctx := context.Background()
	if n.cfg.Orphans {
		ctx = orphan{ctx, n, c}
	}
	reply := c.to.handler(ctx, peer, text)
	if reply == nil {
		return nil
	}
	c.replyRoom = wire.AppendFrame(c.replyRoom[:0], reply)
	return c.replyRoom
}

// maxBad is how many requests in a row may be no frames before the original's process ends.
const maxBad = 16

// patience counts bad requests of a process, and loses itself.
func (n *Network) patience(to *service, bad bool) {
	n.lock()
	to.bad++
	if !bad || to.bad == maxBad {
		to.bad = 0
	} else {
		bad = false
	}
	bad = bad && n.service == to // one that is replaced ends anyway
	n.unlock()
	if bad {
		n.cfg.GiveUp()
	}
}

// identify is the caller for whom a process executes a request; "" is one it cannot tell.
func (n *Network) identify(to *service, peer string) string {
	if !n.cfg.LeftoverID {
		return peer
	}
	n.lock()
	defer n.unlock()
	if peer != "" {
		to.caller = peer
	}
	return to.caller
}

// answer is what a caller gets: a frame, whole or in pieces, or an error.
type answer struct {
	frame  []byte
	pieces *stream // if not nil, of the frame
	err    error
}

// orphan is the context of a request that is over when nobody waits for it any more. Nobody can wait for that.
type orphan struct {
	context.Context
	n *Network
	c *call
}

// Err implements context.Context.
func (o orphan) Err() error {
	if o.n.abandoned(o.c) {
		return context.Canceled
	}
	return nil
}

// tell gives a call its answer while its request is still in flight.
func (n *Network) tell(c *call, a answer) {
	if c.e.conn != nil || c.mon.Lock(context.Background()) != nil {
		return
	}
	if !c.answered {
		c.answered, c.answer = true, a
		c.mon.Wake()
	}
	c.mon.Unlock()
}

// hand ends the flight of a call and gives its answer to the one who waits for it: the caller, or on a shared connection
// whoever has waited longest. Until the caller's lock is there the call is in flight: a service that crashes at this yield
// resets it.
func (n *Network) hand(c *call, a answer) {
	shared := c.e.conn != nil
	if n.cfg.Direct {
		c.answer = a
		n.land(c)
		return
	}
	if c.mon == nil || !shared && n.abandoned(c) {
		n.land(c)
		return
	}
	// The caller may give up or crash at this yield; then the answer is left in a call that nobody reads.
	err := c.mon.Lock(context.Background())
	n.land(c)
	if err != nil {
		return
	}
	defer c.mon.Unlock()
	if shared {
		if len(c.e.waiting) == 0 {
			return
		}
		c = c.e.waiting[0]
		c.e.dequeue(c)
	}
	if !c.answered {
		c.answered, c.answer = true, a
		c.mon.Wake()
	}
}

// land takes a call out of the air.
func (n *Network) land(c *call) {
	n.lock()
	if i := slices.Index(n.flying, c); i >= 0 {
		n.flying = slices.Delete(n.flying, i, i+1)
	}
	n.unlock()
}

func (n *Network) turn(c *call, d Direction, size int) {
	n.lock()
	c.direction, c.size = d, size
	n.unlock()
}

// forget notes that nobody waits for a call.
func (n *Network) forget(c *call) {
	n.lock()
	n.cfg.Env.Touch(c.name, true) // its carrier looks, see abandoned
	c.gone = true
	n.unlock()
}

func (n *Network) abandoned(c *call) bool {
	if n.cfg.Direct {
		return false
	}
	n.lock()
	n.cfg.Env.Touch(c.name, false)
	gone := c.gone
	n.unlock()
	return gone
}
