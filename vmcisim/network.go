package vmcisim

import (
	"context"
	"slices"
	"strings"

	"vmdkvol/seam"
)

// Handler is the service at the other end. It gets the text of one request of a peer and returns the text of the
// reply; nil closes the connection without one. A peer of "" is one that the service cannot tell. It must not change
// request. Its context never ends, because the original service finishes what it has begun, whether or not the client still
// waits; see [Config.Orphans].
type Handler func(ctx context.Context, peer string, request []byte) (reply []byte)

// Config of a Network.
type Config struct {
	Env     seam.Env // of the ESX side: requests execute as its tasks
	Stage   seam.Stage
	Handler Handler
	// Shared gives each endpoint one connection for all its callers. As no reply says which request it answers,
	// each is handed to the caller that has waited longest.
	Shared bool
	// Faults are what a schedule may let go wrong beside what it always may; nil: nothing.
	Faults *Faults
	// OneRecv is a service that asks once for each element of a frame, as the original does (docs/original.md §1.5): a
	// request in pieces is refused unless it falls apart between elements.
	OneRecv bool
	// LeftoverID is a service that takes a caller it cannot tell for the one before, as the original does
	// (docs/original.md §1.4, D24).
	LeftoverID bool
	// OneReceiver is a service that accepts and reads on one thread for all peers, as the original does (docs/original.md
	// §1.4, D16): who has connected and sends nothing keeps all others waiting until he goes.
	OneReceiver bool
	// BacklogOne is a service that listens anew for each connection, with a backlog of one, as the original once did
	// (docs/original.md §1.1, B23): a connection that comes while another one waits to be accepted is reset.
	BacklogOne bool
	// Orphans lets the context of the Handler be done when the client does not wait any more.
	Orphans bool
	// GiveUp, if set, is called in a carrier when 16 requests in a row were no frames: then the process of the original
	// ends, and a watchdog starts it again (docs/original.md §1.4). A source port that is too high does not count.
	GiveUp func()
	// Direct lets whoever sends a request carry it himself, so that a round trip is as many steps as the service makes, and nothing
	// else can happen to it: the network has no faults then, and a request that is given up on its way is a panic, because
	// what would come of it there is nobody to find out. It is for searches that want to be complete. Nothing else that a network
	// can be goes with it.
	Direct bool
	// Cooperative says that one task runs at a time and switches only inside the methods of seam. Sections of this
	// package then need no lock, and take none, because each would be one more yield.
	Cooperative bool
	// Pool, if set, is where calls come from, and go back to when the next network of the pool is made. Only a
	// cooperative network may have one.
	Pool *Pool
	// Asker, if set, names the task that calls it, and no other: then requests are counted for each asker alone, and those of
	// different tasks keep their names in whichever order they are sent.
	Asker func() string
	// Guarded lets a cooperative network take its lock all the same: its Env knows that "net" is no yield, and the
	// race detector wants to see it.
	Guarded bool
}

// Network connects endpoints with one service. Its methods are safe for concurrent use.
type Network struct {
	cfg     Config
	faults  *Faults      // fixed, never nil
	witness witness      // the stage, if it is one
	guard   seam.Monitor // nil if cooperative; taken after a call's monitor, never before

	// guarded by guard
	service *service // nil while nobody listens
	flying  []*call  // in the order of sending
	few     [12]count
	many    map[counted]*count
	running int // carriers; counted only if not cooperative

	room  [4]*call    // the first backing array of flying
	first service     // the first value of service
	ends  []*Endpoint // of the life before the last Renew, to be used again
	made  int         // of ends, in this life
}

// service is a process that listens at the other end.
type service struct {
	env      seam.Env
	handler  Handler
	receiver seam.Monitor // held by who is read from; nil unless that is one at a time

	// guarded by Network.guard
	caller string // of the last request whose caller it could tell
	bad    int    // requests in a row that were no frames; counted only with GiveUp
}

func (n *Network) listen(env seam.Env) service {
	s := service{env: env, handler: n.cfg.Handler}
	if n.cfg.OneReceiver {
		s.receiver = env.NewMonitor("net receiver")
	}
	return s
}

// New returns a network with nothing in flight. It starts nothing.
func New(cfg Config) *Network {
	n := &Network{}
	n.Renew(cfg)
	return n
}

// Renew makes n what [New] makes of cfg, in memory that n has already: an explorer makes one network after another. Nobody
// may use what n was before, or an endpoint of it.
func (n *Network) Renew(cfg Config) {
	*n = Network{cfg: cfg, faults: cfg.Faults, many: n.many, ends: n.ends}
	clear(n.many)
	n.first = n.listen(cfg.Env)
	n.service = &n.first
	if n.faults == nil {
		n.faults = usual
	}
	if cfg.Pool != nil {
		cfg.Pool.used = 0
	}
	n.flying = n.room[:0]
	n.witness, _ = cfg.Stage.(witness)
	if !cfg.Cooperative || cfg.Guarded {
		n.guard = cfg.Env.NewMonitor("net")
	}
}

// Pool keeps the memory of round trips for the networks that an explorer makes one after another: when one is made, all
// users of the one before must be gone. The zero value is ready.
type Pool struct {
	calls  []*call
	used   int
	routes []*route
}

func (n *Network) newCall() *call {
	p := n.cfg.Pool
	if p == nil {
		return makeCall()
	}
	if p.used == len(p.calls) {
		p.calls = append(p.calls, makeCall())
	}
	c := p.calls[p.used]
	p.used++
	c.reset()
	return c
}

// Endpoint returns a transport for the guest that the service knows as peer. Callers wait in monitors of env. A guest
// whose plugin starts again takes a new one.
func (n *Network) Endpoint(peer string, env seam.Env) *Endpoint {
	e := n.newEndpoint()
	*e = Endpoint{n: n, peer: peer, env: env, waiting: e.waiting[:0]}
	if n.cfg.Shared {
		e.conn = env.NewMonitor("net:" + peer)
	}
	return e
}

// mostEnds is how many endpoints a network keeps for its next life.
const mostEnds = 8

func (n *Network) newEndpoint() *Endpoint {
	n.lock()
	defer n.unlock()
	if n.made == mostEnds {
		return &Endpoint{}
	}
	if n.made == len(n.ends) {
		n.ends = append(n.ends, &Endpoint{})
	}
	n.made++
	return n.ends[n.made-1]
}

// Reset is what a crash of the ESX side does to the network: what was in flight is gone, and everyone who waits for it
// sees a connection reset. Call it after the crash, from a live task; it may yield. Later requests execute as tasks of
// env; with a nil env nobody listens, and they fail with wire.ErrNotSent.
func (n *Network) Reset(env seam.Env) {
	n.lock()
	if n.service = nil; env != nil {
		s := n.listen(env)
		n.service = &s
	}
	lost := n.flying
	n.flying = nil
	n.unlock()
	for _, c := range lost {
		n.hand(c, answer{err: errReset(c)})
	}
}

// Replace lets another service listen, whose requests execute as tasks of env; the requests that the old one has, it
// finishes. So a network has two services, an old and a new one, until then.
func (n *Network) Replace(env seam.Env, handler Handler) {
	n.lock()
	defer n.unlock()
	n.cfg.Handler = handler // for Reset
	s := n.listen(env)
	n.service = &s
}

// Close waits until no carrier runs. In a cooperative world the kernel ends them, and Close returns at once.
func (n *Network) Close(ctx context.Context) error {
	if n.guard == nil {
		return nil
	}
	if err := n.guard.Lock(ctx); err != nil {
		return err
	}
	defer n.guard.Unlock()
	for n.running > 0 {
		if err := n.guard.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Direction is how far a round trip has come.
type Direction uint8

// The directions.
const (
	Request   Direction = iota // the request is on its way
	Executing                  // the service has it
	Reply                      // the reply is on its way
)

func (d Direction) String() string {
	switch d {
	case Request:
		return "request"
	case Executing:
		return "executing"
	default:
		return "reply"
	}
}

// InFlight is one message in flight.
type InFlight struct {
	Name      string // of the carrier
	Peer      string
	Label     string // peer:verb:volume
	Direction Direction
	Size      int  // bytes of the frame, 0 while it executes
	Abandoned bool // the caller has given up or crashed
}

// Pending returns the messages in flight, by name, so that the order says nothing about who sent first. Messages that
// fell to a silence are not in flight. It does not yield (but locks, if not cooperative).
func (n *Network) Pending() []InFlight {
	n.lock()
	defer n.unlock()
	if len(n.flying) == 0 {
		return nil
	}
	list := make([]InFlight, 0, len(n.flying))
	for _, c := range n.flying {
		list = append(list, InFlight{c.name, c.e.peer, c.label, c.direction, c.size, c.gone})
	}
	slices.SortFunc(list, func(a, b InFlight) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Busy reports whether a request about a volume is in flight or being executed, whatever the datastore that it names. It
// does not yield (but locks, if not cooperative).
func (n *Network) Busy(volume string) bool {
	n.lock()
	defer n.unlock()
	for _, c := range n.flying {
		if about := c.about; strings.HasPrefix(about, volume) && (len(about) == len(volume) || about[len(volume)] == '@') {
			return true
		}
	}
	return false
}

func (n *Network) lock() {
	if n.guard != nil {
		_ = n.guard.Lock(context.Background()) // cannot fail: this context is never done
	}
}

func (n *Network) unlock() {
	if n.guard != nil {
		n.guard.Unlock()
	}
}
