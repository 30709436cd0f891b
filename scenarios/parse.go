package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vmdkvol/esxsim"
	"vmdkvol/explore"
)

// ParseError is a mistake in a scenario file.
type ParseError struct {
	File string
	Line int
	Err  error
}

func (e *ParseError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns what is wrong, without the place.
func (e *ParseError) Unwrap() error { return e.Err }

const maxScript = 1 << 20 // bytes; no scenario that anyone reads comes near

type parser struct {
	s     *Script
	block string // the verb whose indented lines follow
	line  int
}

// Parse reads a scenario. The file's name is for messages.
func Parse(file, text string) (*Script, error) {
	p := &parser{s: &Script{File: file, Quirks: map[string]bool{}}}
	if len(text) > maxScript {
		return nil, &ParseError{file, 1, fmt.Errorf("the file is %d bytes long, the most is %d", len(text), maxScript)}
	}
	for i, raw := range strings.Split(text, "\n") {
		p.line = i + 1
		if err := p.one(raw); err != nil {
			return nil, &ParseError{file, p.line, err}
		}
	}
	if len(p.s.Clients) == 0 {
		return nil, &ParseError{file, p.line, fmt.Errorf("nothing happens: there is no start line")}
	}
	if err := p.references(); err != nil {
		return nil, err
	}
	return p.s, nil
}

func (p *parser) one(raw string) error {
	if claim, ok := strings.CutPrefix(raw, "# claim:"); ok && p.s.Claim == "" {
		p.s.Claim = strings.TrimSpace(claim)
	}
	text := raw
	if strings.HasPrefix(strings.TrimSpace(raw), "#") {
		text = ""
	} else if i := strings.Index(raw, " # "); i >= 0 { // a "#" without blanks counts visits
		text = raw[:i]
	}
	text = strings.TrimRight(text, " \t\r")
	switch {
	case text == "":
		return nil
	case text[0] == ' ' || text[0] == '\t':
		return p.indented(strings.TrimSpace(text))
	}
	p.block = ""
	verb, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "given":
		return p.given(rest)
	case "start":
		return p.start(rest)
	case "schedule", "expect":
		if rest != "" {
			return fmt.Errorf("%q after %s: its lines go below it, indented", rest, verb)
		}
		p.block = verb
		return nil
	case "end":
		return p.end(rest)
	}
	return fmt.Errorf("unknown verb %q: want given, start, schedule, expect or end", verb)
}

func (p *parser) indented(text string) error {
	switch p.block {
	case "schedule":
		d, err := explore.ParseDeviation(text)
		p.s.Schedule = append(p.s.Schedule, d)
		return err
	case "expect":
		return p.expect(text)
	}
	return fmt.Errorf("an indented line belongs to a schedule or expect block, and there is none above")
}

func (p *parser) given(rest string) error {
	what, rest, _ := strings.Cut(rest, " ")
	switch what {
	case "volume":
		name, opts, err := named(strings.Fields(rest), "size", "fstype", "access", "diskformat", "attach-as")
		if err != nil {
			return err
		}
		for _, v := range p.s.Volumes {
			if v.Name == name {
				return fmt.Errorf("volume %s is given twice", name)
			}
		}
		p.s.Volumes = append(p.s.Volumes, Given{name, opts})
		return nil
	case "network":
		p.s.Shared = rest == "shared"
		if !p.s.Shared {
			return fmt.Errorf("unknown network %q: want shared", rest)
		}
		return nil
	case "quirk":
		name, value, _ := strings.Cut(rest, "=")
		if value != "on" && value != "off" {
			return fmt.Errorf("quirk %q: want NAME=on or NAME=off", rest)
		}
		known := esxsim.QuirkList()
		if !slices.ContainsFunc(known, func(q esxsim.QuirkFact) bool { return string(q.Name) == name }) {
			var names []string
			for _, q := range known {
				names = append(names, string(q.Name))
			}
			return fmt.Errorf("unknown quirk %q: there are %s", name, strings.Join(names, ", "))
		}
		p.s.Quirks[name] = value == "on"
		return nil
	case "faults":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return fmt.Errorf("faults %q: want a number", rest)
		}
		p.s.Faults = n
		return nil
	}
	return fmt.Errorf("unknown given %q: want volume, network, quirk or faults", what)
}

func (p *parser) start(rest string) error {
	name, ops, ok := strings.Cut(rest, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return fmt.Errorf("want start CLIENT: OP [; OP]")
	}
	for _, c := range p.s.Clients {
		if c.Name == name {
			return fmt.Errorf("client %s is started twice", name)
		}
	}
	c := Client{Name: name}
	for _, text := range strings.Split(ops, ";") {
		op, err := parseOp(name, text)
		if err != nil {
			return err
		}
		c.Ops = append(c.Ops, op)
	}
	p.s.Clients = append(p.s.Clients, c)
	return nil
}

func parseOp(client, text string) (Op, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Op{}, fmt.Errorf("an empty operation")
	}
	op := Op{Verb: words[0]}
	var keys []string
	switch op.Verb {
	case "create":
		keys = []string{"size", "fstype", "access", "diskformat", "attach-as"}
	case "mount", "unmount":
		keys = []string{"id"}
	case "remove", "get":
	default:
		return Op{}, fmt.Errorf("unknown operation %q: want create, remove, mount, unmount or get", op.Verb)
	}
	var err error
	if op.Volume, op.Opts, err = named(words[1:], keys...); err != nil {
		return Op{}, fmt.Errorf("%s: %w", op.Verb, err)
	}
	if op.ID = op.Opts["id"]; op.ID == "" {
		op.ID = client
	}
	return op, nil
}

// named reads a name and key=value words.
func named(words []string, keys ...string) (string, map[string]string, error) {
	if len(words) == 0 || strings.Contains(words[0], "=") {
		return "", nil, fmt.Errorf("the volume's name is missing")
	}
	var opts map[string]string
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		switch {
		case !ok || v == "":
			return "", nil, fmt.Errorf("%q is not key=value", w)
		case !slices.Contains(keys, k):
			return "", nil, fmt.Errorf("unknown key %q: there are %s", k, strings.Join(keys, ", "))
		}
		if _, twice := opts[k]; twice {
			return "", nil, fmt.Errorf("%s is given twice", k)
		}
		if opts == nil {
			opts = map[string]string{}
		}
		opts[k] = v
	}
	return words[0], opts, nil
}

func (p *parser) expect(text string) error {
	if rest, ok := strings.CutPrefix(text, "count "); ok {
		for _, w := range strings.Fields(rest) {
			what, object, want, err := fact(w)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(want)
			if err != nil {
				return fmt.Errorf("%q: want a number after =", w)
			}
			p.s.Counts = append(p.s.Counts, Count{p.line, explore.Point{Op: what, Object: object}, n})
		}
		return nil
	}
	head, answer, ok := strings.Cut(text, " -> ")
	client, op, ok2 := strings.Cut(head, " ")
	if !ok || !ok2 {
		return fmt.Errorf("want CLIENT OP -> ANSWER, or count OP(OBJECT)=N")
	}
	p.s.Expect = append(p.s.Expect, Expectation{p.line, client, strings.Join(strings.Fields(op), " "), answer})
	return nil
}

func (p *parser) end(rest string) error {
	for _, w := range strings.Fields(rest) {
		what, volume, want, err := fact(w)
		if err != nil {
			return err
		}
		if !slices.Contains([]string{"refs", "attached", "mounted"}, what) {
			return fmt.Errorf("unknown condition %q: want refs, attached or mounted", what)
		}
		p.s.End = append(p.s.End, Condition{p.line, what, volume, want})
	}
	return nil
}

// fact reads what(object)=want.
func fact(w string) (what, object, want string, err error) {
	eq := strings.LastIndexByte(w, '=')
	open := strings.IndexByte(w, '(')
	if open <= 0 || eq < open || w[eq-1] != ')' || eq+1 == len(w) {
		return "", "", "", fmt.Errorf("%q: want what(object)=value", w)
	}
	return w[:open], w[open+1 : eq-1], w[eq+1:], nil
}

// references checks names that can only be known at the end of the file.
func (p *parser) references() error {
	for _, e := range p.s.Expect {
		c := slices.IndexFunc(p.s.Clients, func(c Client) bool { return c.Name == e.Client })
		if c < 0 {
			return &ParseError{p.s.File, e.Line, fmt.Errorf("no client %q was started", e.Client)}
		}
		if !slices.ContainsFunc(p.s.Clients[c].Ops, func(o Op) bool { return o.String() == e.Op }) {
			return &ParseError{p.s.File, e.Line, fmt.Errorf("client %s does not do %q", e.Client, e.Op)}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
