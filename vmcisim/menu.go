package vmcisim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKinds returns what [ParseFaults] knows, but for places and peers of choice.
func FaultKinds() []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.name)
		all = append(all, k.names...)
	}
	return all
}

// ParseFaults makes a menu of kinds ("cut"), of single faults ("bad-magic", "cut@half"), of faults at any byte ("cut@17",
// "split@3"), of other delays ("delay@26s") and of callers who are mistaken for another VM ("taken-for@vm2").
func ParseFaults(words ...string) (*Faults, error) {
	f := &Faults{request: menu{names: slices.Clone(requestFaults)}, reply: menu{names: slices.Clone(replyFaults)}}
	for _, word := range words {
		if err := f.add(word); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// UnknownFaultError is a word that ParseFaults does not know.
type UnknownFaultError struct{ Word string }

func (e *UnknownFaultError) Error() string { return fmt.Sprintf("unknown network fault %q", e.Word) }

func (f *Faults) add(word string) error {
	for _, k := range kinds {
		if k.name == word {
			for _, name := range k.names {
				one, err := parseFault(name)
				if err != nil {
					return err
				}
				f.offer(name, one, k.at)
			}
			return nil
		}
	}
	one, err := parseFault(word)
	if err != nil {
		return err
	}
	f.offer(word, one, placeOf(one.kind))
	return nil
}

// placeOf is where a single fault is offered.
func placeOf(k kind) points {
	switch k {
	case noPort, refused, hang:
		return points{connect: true}
	case highPort, runsOn, noID, asOther:
		return points{request: true}
	default:
		return points{request: true, reply: true}
	}
}

func (f *Faults) offer(name string, one fault, at points) {
	for _, o := range []struct {
		here bool
		m    *menu
	}{{at.connect, &f.connect}, {at.request, &f.request}, {at.reply, &f.reply}} {
		if o.here && !slices.Contains(o.m.names, name) {
			o.m.names, o.m.rare = append(o.m.names, name), append(o.m.rare, one)
		}
	}
}

// simple are the faults whose name says all.
var simple = map[string]fault{
	"no-port": {kind: noPort}, "refused": {kind: refused}, "hang": {kind: hang}, "high-port": {kind: highPort},
	"runs-on":   {kind: runsOn},
	"no-id":     {kind: noID},
	"bad-magic": {kind: garbage, harm: badMagic}, "zero-length": {kind: garbage, harm: zeroLength},
	"huge-length": {kind: garbage, harm: hugeLength}, "long-length": {kind: garbage, harm: longLength},
	"short-length": {kind: garbage, harm: shortLength}, "no-nul": {kind: garbage, harm: noNUL},
	"inner-nul": {kind: garbage, harm: innerNUL}, "trailing": {kind: garbage, harm: trailing},
	"not-json": {kind: garbage, harm: notJSON},
}

func parseFault(word string) (fault, error) {
	if f, ok := simple[word]; ok {
		return f, nil
	}
	name, at, ok := strings.Cut(word, "@")
	f := fault{}
	switch {
	case !ok:
		return f, &UnknownFaultError{word}
	case name == "taken-for" && at != "":
		return fault{kind: asOther, peer: at}, nil
	case name == "delay":
		d, err := time.ParseDuration(at)
		if err != nil || d <= 0 || d > maxDelay {
			return f, fmt.Errorf("network fault %q: want a time up to %v after @, for example delay@26s", word, maxDelay)
		}
		return fault{kind: delay, wait: d}, nil
	case name == "cut":
		f.kind = cut
	case name == "split":
		f.kind = split
	default:
		return f, &UnknownFaultError{word}
	}
	switch at {
	case "half":
		f.where = half
	case "last":
		f.where = last
	default:
		n, err := strconv.Atoi(at)
		if err != nil || n < 0 || strconv.Itoa(n) != at {
			return f, fmt.Errorf("network fault %q: want a number of bytes, half or last after @", word)
		}
		f.where = position(n)
	}
	return f, nil
}

// FaultPoints lists every fault that a network offers, as point:fault, so that a search can say what no run came to; nil
// stands for a network without rarer faults.
func FaultPoints(f *Faults) []string {
	if f == nil {
		f = usual
	}
	var all []string
	for _, at := range []struct {
		point string
		menu
	}{{"net.connect", f.connect}, {"net.request", f.request}, {"net.reply", f.reply}} {
		for _, name := range at.names {
			all = append(all, at.point+":"+name)
		}
	}
	return all
}
