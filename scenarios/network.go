package scenarios

import (
	"errors"
	"slices"
	"strings"

	"vmdkvol/vmcisim"
)

// Network is what a scenario says of the network.
type Network struct {
	Shared     bool     // one connection for each VM
	OneRecv    bool     // the service refuses most requests that arrive in pieces
	LeftoverID bool     // the service takes a caller it cannot tell for the one before
	GivesUp    bool     // the service ends after 16 bad requests in a row, and is started again
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
	return []flag{{"shared", &n.Shared}, {"one-recv", &n.OneRecv}, {"leftover-id", &n.LeftoverID}, {"gives-up", &n.GivesUp}}
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
			return unknown("network", word, "shared", "one-recv", "leftover-id", "gives-up", "faults=")
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
