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

// name returns the name of the carrier of a request, and its label, which is a part of the name.
func (n *Network) name(e *Endpoint, request []byte) (name, label string) {
	var room [96]byte
	b := append(room[:0], carrierPrefix...)
	b = append(b, e.peer...)
	b = append(b, ':')
	b = appendField(b, request, cmdKey)
	if v := appendField(append(b, ':'), request, nameKey); len(v) > len(b)+1 {
		b = v
	}
	end := len(b)

	n.lock()
	count := n.count(b[len(carrierPrefix):])
	count.n++
	b = append(b, '#')
	b = strconv.AppendInt(b, int64(count.n), 10)
	name = n.text(b)
	label = name[len(carrierPrefix):end]
	if count.n == 1 {
		count.label = label
	}
	n.unlock()
	e.env.Touch(label, true) // the number depends on who comes first, among the requests with this label
	return name, label
}

// count says how many requests had a label.
type count struct {
	label string
	n     int
}

// count finds the count of a label. The first few live in the Network, because worlds are made by the thousand and
// have few labels.
func (n *Network) count(label []byte) *count {
	for i := range n.few {
		c := &n.few[i]
		if c.n == 0 || c.label == string(label) {
			return c
		}
	}
	c := n.many[string(label)]
	if c == nil {
		if n.many == nil {
			n.many = make(map[string]*count)
		}
		c = &count{}
		n.many[string(label)] = c
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

// sending is the yield point before a request leaves the guest, for example "esx.attach" of "data", from the part of a
// label that follows the peer.
func sending(verbAndVolume string) (op, object string) {
	verb, volume, _ := strings.Cut(verbAndVolume, ":")
	object, _, _ = strings.Cut(volume, "@")
	switch verb { // constants, because a concatenation would be allocated for every request
	case "attach":
		return "esx.attach", object
	case "detach":
		return "esx.detach", object
	case "get":
		return "esx.get", object
	case "create":
		return "esx.create", object
	case "remove":
		return "esx.remove", object
	}
	return "esx." + verb, object
}
