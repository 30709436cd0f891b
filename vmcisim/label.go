package vmcisim

import (
	"bytes"
	"strconv"
	"strings"
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
	peer, request string

	label      string // peer:verb:volume
	about      string // the volume, as the label names it
	op, object string // the yield point before the request leaves the guest
	names      []string
}

// mostRoutes and mostNames bound what a pool remembers.
const (
	mostRoutes = 64
	mostNames  = 64
)

// route finds what a request is called. The pool remembers it, because programs send few texts, again and again.
func (n *Network) route(e *Endpoint, request []byte) *route {
	p := n.cfg.Pool
	if p == nil {
		return newRoute(e.peer, request)
	}
	for _, r := range p.routes {
		if r.request == string(request) && r.peer == e.peer {
			return r
		}
	}
	r := newRoute(e.peer, request)
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
	n.lock()
	count := n.count(r.label)
	count.n++
	number := count.n
	n.unlock()
	e.env.Touch(r.label, true) // the number depends on who comes first, among the requests with this label
	if number <= len(r.names) {
		return r.names[number-1]
	}
	name := carrierPrefix + r.label + "#" + strconv.Itoa(number)
	if number == len(r.names)+1 && number <= mostNames && n.cfg.Pool != nil {
		r.names = append(r.names, name)
	}
	return name
}

// count says how many requests had a label.
type count struct {
	label string
	n     int
}

// count finds the count of a label. The first few live in the Network, because worlds are made by the thousand and
// have few labels.
func (n *Network) count(label string) *count {
	for i := range n.few {
		c := &n.few[i]
		if c.n == 0 {
			c.label = label
			return c
		}
		if c.label == label {
			return c
		}
	}
	c := n.many[label]
	if c == nil {
		if n.many == nil {
			n.many = make(map[string]*count)
		}
		c = &count{label: label}
		n.many[label] = c
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
