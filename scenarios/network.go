package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vmdkvol/esxsim"
	"vmdkvol/vmcisim"
)

// Network is what a scenario says of the network.
type Network struct {
	Shared     bool     // one connection for each VM
	OneRecv    bool     // the service refuses most requests that arrive in pieces
	LeftoverID bool     // the service takes a caller it cannot tell for the one before
	GivesUp    bool     // the service ends after 16 bad requests in a row, and is started again
	OneReader  bool     // the service reads from one connection at a time
	BacklogOne bool     // the service resets a connection if another one waits to be accepted
	Direct     bool     // who sends a request carries it
	Rare       []string // faults beside the usual ones, see vmcisim.ParseFaults
}

// words are the network as a given line says it.
func (n *Network) words() string {
	var words []string
	for _, f := range n.flags() {
		if *f.on {
			words = append(words, f.word)
		}
	}
	if len(n.Rare) > 0 {
		words = append(words, "faults="+strings.Join(n.Rare, ","))
	}
	return strings.Join(words, " ")
}

type flag struct {
	word string
	on   *bool
}

func (n *Network) flags() []flag {
	return []flag{
		{"direct", &n.Direct},
		{"shared", &n.Shared},
		{"one-recv", &n.OneRecv},
		{"leftover-id", &n.LeftoverID},
		{"gives-up", &n.GivesUp},
		{"one-receiver", &n.OneReader},
		{"backlog-one", &n.BacklogOne},
	}
}

// NetworkSwitches are the switches of the network, which given network turns on.
func NetworkSwitches() []vmcisim.Switch { return vmcisim.Switches() }

// Switch sets a quirk of the service or a switch of the network by its name, as NAME=on or NAME=off.
func (s *Script) Switch(text string) error {
	name, value, _ := strings.Cut(text, "=")
	if value != "on" && value != "off" {
		return fmt.Errorf("switch %s: want NAME=on or NAME=off", shown(text))
	}
	for _, f := range s.flags() {
		if f.word == name {
			*f.on = value == "on"
			return nil
		}
	}
	if _, err := esxsim.ParseQuirks(text); err != nil {
		return err
	}
	s.Quirks[name] = value == "on"
	return nil
}

func (p *parser) givenNetwork(rest string) error {
	n := &p.s.Network
	flags := n.flags()
	for _, word := range strings.Fields(rest) {
		if names, ok := strings.CutPrefix(word, "faults="); ok {
			n.Rare = append(n.Rare, strings.Split(names, ",")...)
			continue
		}
		i := slices.IndexFunc(flags, func(f flag) bool { return f.word == word })
		if i < 0 {
			return unknown("network", word, "direct", "shared", "one-recv", "leftover-id", "gives-up", "one-receiver", "backlog-one", "faults=")
		}
		*flags[i].on = true
	}
	if n.words() == "" {
		return errors.New("want given network shared, or faults=NAME")
	}
	_, err := vmcisim.ParseFaults(n.Rare...)
	var odd *vmcisim.UnknownFaultError
	if errors.As(err, &odd) {
		return unknown("network fault", odd.Word, vmcisim.FaultKinds()...)
	}
	p.row.text = "given network " + n.words()
	return err
}
