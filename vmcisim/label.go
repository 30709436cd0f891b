package vmcisim

import (
	"bytes"
	"strconv"
	"strings"

	"vmdkvol/driver/wire"
)

const carrierPrefix = "esx:"

// The keys are looked for in the form in which driver/wire writes them; this runs for every request and needs no JSON
// parser, because a label has to be repeatable, not right.
var (
	cmdKey  = []byte(`"cmd":"`)
	nameKey = []byte(`"Name":"`)
)

// route is what a request is called on its way. It does not change, but for names that it gets.
type route struct {
	mark          uint64 // wire.Mark of request
	peer, request string

	label      string // peer:verb:volume
	about      string // the volume, as the label names it
	op, object string // the yield point before the request leaves the guest
	names      []numbered
}

// numbered is the names that the requests of one asker get on a route.
type numbered struct {
	asker string
	names []string
}

// What a pool remembers is bounded.
const (
	mostRoutes = 64
	mostAskers = 64 // of a route
	mostNames  = 64 // of an asker
)

// route finds what a request is called. The pool remembers it, because programs send few texts, again and again.
func (n *Network) route(e *Endpoint, request []byte) *route {
	p := n.cfg.Pool
	if p == nil {
		return newRoute(e.peer, request)
	}
	mark := wire.Mark(request)
	for _, r := range p.routes {
		if r.mark == mark && r.request == string(request) && r.peer == e.peer {
			return r
		}
	}
	r := newRoute(e.peer, request)
	r.mark = mark
	if len(p.routes) == mostRoutes {
		p.routes = p.routes[:0]
	}
	p.routes = append(p.routes, r)
	return r
}

func newRoute(peer string, request []byte) *route {
	b := append([]byte(peer), ':')
	b = appendField(b, request, cmdKey)
	verb := string(b[len(peer)+1:])
	if v := appendField(append(b, ':'), request, nameKey); len(v) > len(b)+1 {
		b = v
	}
	r := &route{peer: peer, request: string(request), label: string(b)}
	r.about = r.label[strings.LastIndexByte(r.label, ':')+1:]
	r.op = "esx." + verb
	_, volume, _ := strings.Cut(r.label[min(len(peer)+1, len(r.label)):], ":")
	r.object, _, _ = strings.Cut(volume, "@")
	return r
}

// name is that of the carrier of a request: no two of a network have the same.
func (n *Network) name(e *Endpoint, r *route) string {
	asker := ""
	if n.cfg.Asker != nil {
		asker = n.cfg.Asker()
	}
	n.lock()
	count := n.count(r.label, asker)
	count.n++
	number := count.n
	n.unlock()
	if n.cfg.Asker == nil {
		e.env.Touch(r.label, true) // the number depends on who comes first, among the requests with this label
	}
	if n.cfg.Pool == nil {
		return r.name(asker, number)
	}
	known := r.numbered(asker)
	if known != nil && number <= len(known.names) {
		return known.names[number-1]
	}
	name := r.name(asker, number)
	if known != nil && number == len(known.names)+1 && number <= mostNames {
		known.names = append(known.names, name)
	}
	return name
}

func (r *route) name(asker string, number int) string {
	if asker != "" {
		asker += "."
	}
	return carrierPrefix + r.label + "#" + asker + strconv.Itoa(number)
}

// numbered is what is remembered of an asker; nil: nothing can be.
func (r *route) numbered(asker string) *numbered {
	for i := range r.names {
		if r.names[i].asker == asker {
			return &r.names[i]
		}
	}
	if len(r.names) == mostAskers {
		return nil
	}
	r.names = append(r.names, numbered{asker: asker})
	return &r.names[len(r.names)-1]
}

// count says how many requests had a label, of those of one asker if askers are told apart.
type count struct {
	counted
	n int
}

type counted struct{ label, asker string }

// count finds a count. The first few live in the Network, because worlds are made by the thousand and have few labels.
func (n *Network) count(label, asker string) *count {
	what := counted{label, asker}
	for i := range n.few {
		c := &n.few[i]
		if c.n == 0 {
			c.counted = what
			return c
		}
		if c.counted == what {
			return c
		}
	}
	c := n.many[what]
	if c == nil {
		if n.many == nil {
			n.many = make(map[counted]*count)
		}
		c = &count{counted: what}
		n.many[what] = c
	}
	return c
}

const maxField = 64 // bytes of a field that go into a label

// appendField appends the JSON string after key, with everything replaced that could be mistaken in a schedule.
func appendField(b, request, key []byte) []byte {
	at := bytes.Index(request, key)
	if at < 0 {
		return b
	}
	for i, c := range request[at+len(key):] {
		switch {
		case c == '"' || i == maxField:
			return b
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-', c == '@':
		default:
			c = '_'
		}
		b = append(b, c)
	}
	return b
}
