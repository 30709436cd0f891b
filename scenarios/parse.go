package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vmdkvol/explore"
)

// ParseError is a mistake in a scenario file. Its text is one line.
type ParseError struct {
	File string
	Line int
	Err  error
}

func (e *ParseError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns what is wrong, without the place.
func (e *ParseError) Unwrap() error { return e.Err }

const maxScript = 1 << 20 // bytes; no scenario that anyone reads comes near

// parser reads rows into a script, and makes the text of every row canonical.
type parser struct {
	s     *Script
	lines []int          // of s.Clients
	sites []int          // the lines of s.Schedule
	ends  []int          // the lines of crash and restart esx
	block string         // the verb whose indented lines follow
	seen  map[string]int // the line on which it was said first
	row   *row
}

// Parse reads a scenario. The file's name is for messages.
func Parse(file, text string) (*Script, error) {
	s, _, err := parse(file, text, false)
	return s, err
}

// ParseStale is Parse for a scenario whose expect block is going to be rewritten: it may speak of what the script does
// not do any more.
func ParseStale(file, text string) (*Script, error) {
	s, _, err := parse(file, text, true)
	return s, err
}

func parse(file, text string, stale bool) (*Script, *sheet, error) {
	switch {
	case len(text) > maxScript:
		return nil, nil, &ParseError{file, 1, fmt.Errorf("the file is %d bytes long, the most is %d: a scenario is a short text", len(text), maxScript)}
	case strings.HasPrefix(text, traceMagic):
		return nil, nil, &ParseError{file, 1, errors.New("this is the trace of one run, which only run replays; the scenario in it is indented")}
	}
	sh, last, err := scan(text)
	if err != nil {
		return nil, nil, &ParseError{file, last, err}
	}
	p := &parser{s: &Script{File: file, Quirks: map[string]bool{}}, seen: map[string]int{}}
	for i := range sh.rows {
		p.row = &sh.rows[i]
		if err := p.one(); err != nil {
			return nil, nil, &ParseError{file, p.row.line, err}
		}
	}
	claim, line, err := sh.claim()
	if err != nil {
		return nil, nil, &ParseError{file, line, err}
	}
	p.s.Claim = claim
	if len(p.s.Clients) == 0 {
		return nil, nil, &ParseError{file, last, errors.New("nothing happens: there is no start line")}
	}
	if err := p.references(stale); err != nil {
		return nil, nil, err
	}
	return p.s, sh, nil
}

func (p *parser) one() error {
	if p.row.inside {
		return p.indented(p.row.text)
	}
	p.block = ""
	verb, rest, _ := strings.Cut(p.row.text, " ")
	switch verb {
	case "given":
		return p.given(rest)
	case "start":
		p.row.rank = rankStart
		return p.start(rest)
	case "schedule":
		p.row.rank = rankSchedule
		return p.opens(verb, rest)
	case "expect":
		p.row.rank = rankExpect
		p.s.Exactly = rest == "exactly"
		if p.s.Exactly {
			rest = ""
		}
		return p.opens(verb, rest)
	case "end":
		p.row.rank = rankEnd
		return p.end(rest)
	}
	return unknown("verb", verb, "given", "start", "schedule", "expect", "end")
}

// opens begins a block.
func (p *parser) opens(verb, rest string) error {
	switch {
	case rest != "":
		return fmt.Errorf("%s after %s: its lines go below it, indented", shown(rest), verb)
	case !p.first(verb + " block"):
		return fmt.Errorf("a second %s block: there is one at most", verb)
	}
	p.block = verb
	return nil
}

// first reports whether something is said for the first time.
func (p *parser) first(what string) bool {
	if p.seen[what] > 0 {
		return false
	}
	p.seen[what] = p.row.line
	return true
}

func (p *parser) indented(text string) error {
	switch p.block {
	case "schedule":
		p.row.rank = rankSchedule
		d, err := explore.ParseDeviation(text)
		if err != nil {
			return oneLineError(err)
		}
		p.row.text = d.String()
		if !p.first("deviation "+p.row.text) && !d.Early() { // the clock can move twice while a task stands in one place
			return errors.New("the same deviation is there already")
		}
		p.s.Schedule = append(p.s.Schedule, d)
		p.sites = append(p.sites, p.row.line)
		return nil
	case "expect":
		return p.expect(text)
	}
	return errors.New("an indented line belongs to a schedule or expect block, and there is none above")
}

// oneLineError makes one line of an error that lists what was wanted.
func oneLineError(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), "\n ", " |"))
}

func (p *parser) start(rest string) error {
	who, ops, ok := strings.Cut(rest, ":")
	if !ok {
		return errors.New("want start CLIENT[@VM]: OP [; OP]")
	}
	name, vm, _ := strings.Cut(strings.TrimSpace(who), "@")
	switch {
	case !plainName(name) || slices.Contains(reservedNames, name):
		return fmt.Errorf("%s cannot be the name of a client: want letters, digits, - and _, and none of %s",
			shown(name), strings.Join(reservedNames, ", "))
	case !p.first("client " + name):
		return fmt.Errorf("client %s is started twice", name)
	}
	if vm == vmName {
		vm = ""
	}
	c := Client{Name: name, VM: vm}
	var texts []string
	for text := range strings.SplitSeq(ops, ";") {
		op, err := parseOp(name, text, p.row.line)
		if err != nil {
			return err
		}
		if op.ends() {
			p.ends = append(p.ends, p.row.line)
		}
		c.Ops = append(c.Ops, op)
		texts = append(texts, op.String())
	}
	p.s.Clients = append(p.s.Clients, c)
	p.lines = append(p.lines, p.row.line)
	p.row.text = "start " + c.who() + ": " + strings.Join(texts, "; ")
	return nil
}

// who is the client as a start line names it.
func (c Client) who() string {
	if c.VM != "" {
		return c.Name + "@" + c.VM
	}
	return c.Name
}

// reservedNames mean something else where a client's name can stand.
var reservedNames = []string{"clock", "count", setUp, recoveryTask, closingTask}

// plainName reports whether a name is safe wherever a scenario names a client or a VM.
func plainName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return name != "" && len(name) <= maxShown
}

func (p *parser) expect(text string) error {
	if rest, ok := strings.CutPrefix(text, "count "); ok {
		p.row.rank = rankCount
		return p.count(rest)
	}
	p.row.rank = rankExpect
	head, answer, answered := strings.Cut(text, arrow)
	client, op, ok := strings.Cut(head, " ")
	if !ok || !answered && !p.s.Exactly || answered && answer == "" {
		return errors.New("want CLIENT OP -> ANSWER, or count OP(OBJECT)=N")
	}
	if parsed, err := parseOp(client, op, 0); err == nil { // if not, references says whose it is not
		op = parsed.String()
	}
	e := Expectation{p.row.line, client, op, answer}
	p.s.Expect = append(p.s.Expect, e)
	p.row.text = e.String()
	return nil
}

func (p *parser) count(rest string) error {
	var texts []string
	for w := range strings.FieldsSeq(rest) {
		f, err := fact(w)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(f.want)
		if err != nil || n < 0 {
			return fmt.Errorf("%s: want a number after =", shown(w))
		}
		c := Count{p.row.line, explore.Point{Op: f.what, Object: f.object}, n}
		if !p.first("count " + c.Point.String()) {
			return fmt.Errorf("%s is counted twice", c.Point)
		}
		p.s.Counts = append(p.s.Counts, c)
		texts = append(texts, c.Point.String()+"="+strconv.Itoa(n))
	}
	p.row.text = "count " + strings.Join(texts, " ")
	return nil
}

func (p *parser) end(rest string) error {
	words := strings.Fields(rest)
	if len(words) == 0 {
		return errors.New("want end FACT=VALUE..., for example refs(data)=1")
	}
	p.row.text = "end"
	for _, w := range words {
		c, err := condition(w, p.row.line)
		if err != nil {
			return err
		}
		if c.VM == vmName {
			c.VM = ""
		}
		if !p.first("end " + c.fact()) {
			return fmt.Errorf("%s is there twice", c.fact())
		}
		p.s.End = append(p.s.End, c)
		p.row.text += " " + c.String()
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}
