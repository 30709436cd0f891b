package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
)

// A send is a request of the protocol that does not come from the driver: from a plugin of another version, or a tool in
// the VM. What the driver's model says of volumes does not hold for those that it touches; the guest's oracles do.

// request reads what follows send.
func (o *Op) request(verb Verb, words []string) (err error) {
	commands := []string{"attach", "create", "detach", "get", "list", "remove", "version"}
	if len(words) == 0 {
		return errors.New("want a command, a volume if it takes one, and KEY=VALUE words")
	}
	if o.Command = words[0]; !slices.Contains(commands, o.Command) {
		return unknown("command", o.Command, commands...)
	}
	if o.Command == "list" || o.Command == "version" {
		if words = append([]string{"-"}, words[1:]...); len(words) > 1 && !strings.Contains(words[1], "=") {
			return fmt.Errorf("%s is too much: %s takes no volume", shown(words[1]), o.Command)
		}
		_, o.Opts, err = named(words, verb.Keys...)
	} else {
		o.Volume, o.Opts, err = named(words[1:], verb.Keys...)
	}
	if text, long := o.Opts[lengthKey]; err == nil && long {
		request, _ := o.requestText() // what is wrong with it, the answer says
		n, bad := strconv.Atoi(text)
		if least := len(request) + 1; bad != nil || n < least || n > maxLength {
			return fmt.Errorf("length %s: want a number of bytes, the NUL included, from %d, which this request has, to %d", shown(text), least, maxLength)
		}
	}
	return err
}

const (
	lengthKey = "length"
	maxLength = 1 << 20 // where the original's client cuts a request (docs/original.md §1.5)
)

// requestText is the text of a send, without what makes it long.
func (o *Op) requestText() ([]byte, error) {
	r := wire.Request{Cmd: wire.Command(o.Command), Version: wire.Version}
	r.Details.Name = o.Volume
	for _, k := range sortedKeys(o.Opts) {
		switch k {
		case "version":
			r.Version = o.Opts[k]
			continue
		case lengthKey:
			continue
		}
		if r.Details.Opts == nil {
			r.Details.Opts = map[string]string{}
		}
		r.Details.Opts[k] = o.Opts[k]
	}
	return wire.AppendRequest(nil, r)
}

// lengthened is a request text with so many bytes, its NUL included: JSON takes blanks before its last brace.
func lengthened(text []byte, length string) []byte {
	n, err := strconv.Atoi(length)
	if err != nil || n <= len(text)+1 {
		return text
	}
	end := len(text) - 1
	return slices.Concat(text[:end], slices.Repeat([]byte(" "), n-1-len(text)), text[end:])
}

// strange notes the volumes that a send touches.
func (t *theatre) strange(op *Op) {
	if op.Verb == "admin" && op.Command == "set" {
		op = &Op{Verb: "send", Volume: op.Text}
	}
	if op.Verb != "send" {
		return
	}
	if t.foreign == nil {
		t.foreign = map[string]bool{}
	}
	t.foreign[volumePart(op.Volume)] = true
	if source := op.Opts["clone-from"]; source != "" {
		t.foreign[volumePart(source)] = true
	}
}

// sendTimeout is how long a send waits for an answer that a fault can take away.
const sendTimeout = 5 * time.Minute

// send does one exchange with ESX, once.
func (w *World) send(ctx context.Context, h *host, op *Op) (answer string, err error) {
	text, err := op.requestText()
	if err != nil {
		return "failed", err
	}
	text = lengthened(text, op.Opts[lengthKey])
	if w.t.script.Faults > 0 { // else it waits for ever, as the original client does, and a deadlock shows as one
		var cancel context.CancelFunc
		ctx, cancel = w.docker.WithDeadline(ctx, w.docker.Now().Add(sendTimeout))
		defer cancel()
	}
	reply, err := h.site().net.Endpoint(h.name, w.docker).RoundTrip(ctx, text)
	if err != nil {
		return "unreachable", err
	}
	return shownReply(wire.Command(op.Command), reply), nil
}

// shownReply is a reply as an answer: what the command says, the first line of an error, or else the text itself.
func shownReply(cmd wire.Command, reply []byte) (answer string) {
	var err error
	switch cmd {
	case wire.Attach:
		var d wire.Device
		d, err = wire.ParseDevice(reply)
		answer = "bus " + d.ControllerPciBusNumber + " unit " + d.Unit
	case wire.Get:
		var v wire.Volume
		var known bool
		if v, known, err = wire.ParseVolume(reply); !known {
			v.Status = string(reply)
		}
		if answer = v.Status; v.AttachedTo != "" {
			answer += " to " + v.AttachedTo
		}
	case wire.List:
		var list []wire.Listed
		list, err = wire.ParseList(reply)
		names := make([]string, len(list))
		for i, l := range list {
			names[i] = l.Name
		}
		if answer = strings.Join(names, " "); answer == "" {
			answer = nothingAnswer
		}
	case wire.GetVersion:
		answer, err = wire.ParseVersion(reply)
	default:
		answer, err = okAnswer, wire.ParseNull(reply)
	}
	var refused *wire.ErrorReply
	switch {
	case errors.As(err, &refused):
		first, _, _ := strings.Cut(refused.Text, "\n")
		return strings.Join(strings.Fields(first), " ") // as a scenario can say it
	case err != nil:
		return string(reply)
	}
	return answer
}

// givenQuirks is a preset; single quirks overrule it, wherever they stand.
func (p *parser) givenQuirks(preset string) error {
	switch {
	case preset != esxsim.Fixed && preset != esxsim.Faithful:
		return unknown("quirks", preset, esxsim.Faithful, esxsim.Fixed)
	case preset == esxsim.Faithful:
		return nil
	}
	for name, on := range esxsim.Without() {
		if p.seen["quirk "+string(name)] == 0 {
			p.s.Quirks[string(name)] = on
		}
	}
	return nil
}
