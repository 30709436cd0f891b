package scenarios

import (
	"fmt"
	"strconv"
	"strings"

	"vmdkvol/explore"
)

// premise is something that a file can give before anything happens.
type premise struct {
	word string
	rank rank // of its rows among others
	once bool // it is said at most once; the others see to that themselves, by what they name
	read func(p *parser, rest string) error
}

// premises are all of them, in the order in which messages name them.
var premises = []premise{
	{"esx", rankESX, false, (*parser).givenESX},
	{"datastore", rankDatastore, false, (*parser).givenDatastore},
	{"vm", rankVM, false, (*parser).givenVM},
	{"vmgroup", rankVmgroup, false, (*parser).givenVmgroup},
	{"access", rankAccess, false, (*parser).givenAccess},
	{"volume", rankVolume, false, (*parser).givenVolume},
	{"network", rankNetwork, true, (*parser).givenNetwork},
	{"locks", rankLocks, true, (*parser).givenLocks},
	{"quirk", rankQuirk, false, (*parser).givenQuirk},
	{"quirks", rankQuirk, true, (*parser).givenQuirks},
	{"latency", rankLatency, false, (*parser).givenLatency},
	{"recovery", rankRecovery, true, (*parser).givenRecovery},
	{"steps", rankSteps, true, (*parser).givenSteps},
	{"crashes", rankCrashes, true, (*parser).givenCrashes},
	{"faults", rankFaults, true, (*parser).givenFaults},
}

func (p *parser) given(rest string) error {
	what, rest, _ := strings.Cut(rest, " ")
	var words []string
	for i := range premises {
		g := &premises[i]
		if g.word != what {
			words = append(words, g.word)
			continue
		}
		p.row.rank = g.rank
		if err := g.read(p, rest); err != nil {
			return err
		}
		if g.once && !p.first(what) {
			return fmt.Errorf("%s is given twice", what)
		}
		return nil
	}
	return unknown("given", what, words...)
}

func (p *parser) givenLocks(rest string) error {
	l, err := explore.ParseLockModel(rest)
	if err != nil {
		return unknown("lock model", rest, explore.Barging.String(), explore.GoMutex.String())
	}
	p.s.Locks = l
	return nil
}

func (p *parser) givenSteps(rest string) error {
	switch rest {
	case stepsEvery:
		p.s.Every = true
	case stepsFine:
		p.s.Fine = true
	default:
		return unknown("steps", rest, stepsEvery, stepsFine)
	}
	return nil
}

func (p *parser) givenFaults(rest string) error {
	n, err := strconv.Atoi(rest)
	if err != nil || n < 0 {
		return fmt.Errorf("faults %s: want a number", shown(rest))
	}
	p.s.Faults = n
	p.row.text = "given faults " + strconv.Itoa(n)
	return nil
}
