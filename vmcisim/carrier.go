package vmcisim

import (
	"context"
	"fmt"
	"slices"

	"vmdkvol/driver/wire"
)

// send puts a request in flight. It returns false if nobody listens.
func (n *Network) send(c *call) bool {
	n.lock()
	env := n.env
	if env == nil {
		n.unlock()
		return false
	}
	n.flying = append(n.flying, c)
	n.running++
	two := len(n.flying) > 1
	n.unlock()
	if two {
		n.saw(seenTwo)
	}
	env.Go(c.name, func() {
		defer n.ended()
		n.carry(c)
	})
	return true
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
	switch stage.Choose("net.request", c.label, requestFaults...) {
	case requestLose:
		stage.Before("net.reply", c.label)
		n.answer(c, nil, errReset(c))
		return
	case requestReset:
		n.answer(c, nil, fmt.Errorf("vmcisim: %s: %w: %w", c.label, wire.ErrNotSent, ErrReset))
		return
	case requestSilence:
		n.land(c)
		return
	case requestDuplicate:
		n.turn(c, Executing, 0)
		n.execute(c, slices.Clone(c.request))
	}
	n.turn(c, Executing, 0)
	if n.witness != nil && n.abandoned(c) {
		n.saw(seenLate)
	}
	frame := n.execute(c, c.request)
	n.turn(c, Reply, len(frame))

	if !n.cfg.Shared && n.abandoned(c) {
		n.land(c) // nobody can see what happens to this reply
		return
	}
	if !n.cfg.Cooperative { // there the lock that hand takes is the yield point
		stage.Before("net.reply", c.label)
	}
	if frame == nil {
		n.answer(c, nil, errReset(c))
		return
	}
	switch stage.Choose("net.reply", c.label, replyFaults...) {
	case replyLose:
		n.saw(seenUnsaid)
		n.answer(c, nil, errReset(c))
	case replyTruncate:
		n.answer(c, frame[:len(frame)/2], nil)
	case replySilence:
		n.saw(seenUnsaid)
		n.land(c)
	default:
		n.answer(c, frame, nil)
	}
}

// execute returns the frame of the reply; nil if the service closed the connection.
func (n *Network) execute(c *call, request []byte) []byte {
	text, err := wire.ParseFrame(request, wire.MaxRequest)
	if err != nil {
		return nil // the service refuses the frame (docs/original.md §1.5)
	}
	reply := n.cfg.Handler(context.Background(), c.e.peer, text)
	if reply == nil {
		return nil
	}
	return wire.AppendFrame(c.replyRoom[:0], reply)
}

// answer ends the flight of a call and hands its answer over.
func (n *Network) answer(c *call, frame []byte, err error) {
	n.land(c)
	n.hand(c, frame, err)
}

// hand gives an answer to the one who waits for it: the caller, or on a shared connection whoever has waited longest.
func (n *Network) hand(c *call, frame []byte, err error) {
	shared := c.e.conn != nil
	if c.mon == nil || !shared && n.abandoned(c) {
		return
	}
	// The caller may give up or crash at this yield; then the answer is left in a call that nobody reads.
	if c.mon.Lock(context.Background()) != nil {
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
		c.answered, c.reply, c.err = true, frame, err
		c.mon.Wake()
	}
}

// land takes a call out of the air.
func (n *Network) land(c *call) {
	n.lock()
	defer n.unlock()
	if i := slices.Index(n.flying, c); i >= 0 {
		n.flying = slices.Delete(n.flying, i, i+1)
	}
}

func (n *Network) turn(c *call, d Direction, size int) {
	n.lock()
	defer n.unlock()
	c.direction, c.size = d, size
}

// forget notes that nobody waits for a call.
func (n *Network) forget(c *call) {
	n.lock()
	defer n.unlock()
	c.gone = true
}

func (n *Network) abandoned(c *call) bool {
	n.lock()
	defer n.unlock()
	return c.gone
}
