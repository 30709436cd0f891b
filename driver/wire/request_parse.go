package wire

// ParseRequest reads the JSON text of a request as the service does: any order, spacing and escapes, unknown fields, the
// last of equal keys; the command version needs no details, and only create needs its options to be strings.
//
// Version is the text of a string or of an integer, so that "2" and 2 are the same, and "" if the field is absent. Of
// any other value, the empty string included, it is the JSON text, so that the service can say what it did not like.
//
// Errors are *SyntaxError, *FieldTypeError and *MissingFieldError, looked for in the order request, cmd, details, Name,
// Opts. After a *SyntaxError the Request is empty; otherwise it holds what could be read, because the service checks
// the version first.
func ParseRequest(text []byte) (Request, error) {
	p := parser{s: string(text)}
	cmd, details := value{field: "cmd"}, detailsValue{value: value{field: "details"}}
	var version value
	var whole error
	if p.peek() == '{' {
		p.i++
		for first := true; p.more(first, '}'); first = false {
			switch p.key() {
			case "cmd":
				p.value(&cmd)
			case "details":
				p.details(&details)
			case "version":
				p.value(&version)
			default:
				p.skip(0)
			}
		}
	} else {
		whole = &FieldTypeError{Raw: p.raw()}
	}
	p.end()
	if p.failed() {
		return Request{}, &SyntaxError{Problem: p.problem}
	}
	if whole != nil {
		return Request{}, whole
	}

	r := Request{
		Cmd:     Command(cmd.text),
		Details: Details{Name: details.name.text, Opts: details.opts},
		Version: version.text,
	}
	if version.text == "" {
		r.Version = version.raw
	}
	if err := cmd.problem('"'); err != nil || r.Cmd == GetVersion {
		return r, err
	}
	if err := details.problem('{'); err != nil {
		return r, err
	}
	if err := details.name.problem('"'); err != nil {
		return r, err
	}
	if r.Cmd == Create {
		return r, details.badOpts
	}
	return r, nil
}

// value is a member of a request: the text of a string, the JSON text of anything, both empty if it is absent.
type value struct {
	field string
	text  string
	raw   string
}

// problem says why a required value is not one that begins with the given byte.
func (v *value) problem(begin byte) error {
	if v.raw == "" {
		return &MissingFieldError{Field: v.field}
	}
	if v.raw[0] != begin {
		return &FieldTypeError{Field: v.field, Raw: v.raw}
	}
	return nil
}

type detailsValue struct {
	value
	name    value
	opts    map[string]string
	badOpts error
}

func (p *parser) value(v *value) {
	v.text = ""
	if p.peek() != '"' {
		v.raw = p.raw()
		return
	}
	start := p.i
	v.text = p.str()
	v.raw = p.s[start:p.i]
}

func (p *parser) details(d *detailsValue) {
	*d = detailsValue{value: d.value, name: value{field: "Name"}}
	if p.peek() != '{' {
		p.value(&d.value)
		return
	}
	start := p.i
	p.i++
	for first := true; p.more(first, '}'); first = false {
		switch p.key() {
		case "Name":
			p.value(&d.name)
		case "Opts":
			d.opts, d.badOpts = p.opts()
		default:
			p.skip(0)
		}
	}
	d.raw = p.s[start:p.i]
}

// opts reads options. What Python takes for false counts as none (docs/original.md §2.2).
func (p *parser) opts() (m map[string]string, bad error) {
	if p.peek() != '{' {
		raw := p.raw()
		switch raw {
		case "null", "false", "0", `""`, "[]":
			return nil, nil
		}
		return nil, &FieldTypeError{Field: "Opts", Raw: raw}
	}
	start := p.i
	p.i++
	for first := true; p.more(first, '}'); first = false {
		k := p.key()
		if p.peek() != '"' {
			bad = &FieldTypeError{Field: "Opts"}
			p.skip(0)
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[k] = p.str()
	}
	if bad != nil {
		return nil, &FieldTypeError{Field: "Opts", Raw: p.s[start:p.i]}
	}
	return m, nil
}
