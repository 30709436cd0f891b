package wire

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a value that is skipped, and so the stack.
const maxDepth = 10000

// parser reads one JSON text. encoding/json is too kind for replies: it takes a key in any case, takes the last of two
// equal keys, and takes null for everything. After the first problem all methods do nothing.
type parser struct {
	s       string
	i       int
	problem string
}

func (p *parser) failed() bool { return p.problem != "" }

// fail notes the first problem. It must not quote the peer's text: the errors made of it promise a length.
func (p *parser) fail(problem string) {
	if !p.failed() {
		p.problem = problem + " at byte " + strconv.Itoa(p.i)
	}
}

// peek returns the next byte after white space, 0 at the end (a NUL is a problem in any place).
func (p *parser) peek() byte {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return c
		}
	}
	return 0
}

// open reads the bracket that begins an object or an array.
func (p *parser) open(bracket byte) {
	if p.failed() {
		return
	}
	if p.peek() != bracket {
		if bracket == '{' {
			p.fail("want an object")
		} else {
			p.fail("want an array")
		}
		return
	}
	p.i++
}

// more reports whether an object or array has another member, and reads the comma before it or the closing bracket.
func (p *parser) more(first bool, bracket byte) bool {
	if p.failed() {
		return false
	}
	switch c := p.peek(); {
	case c == bracket:
		p.i++
		return false
	case first:
		return true
	case c == ',':
		p.i++
		return true
	}
	p.fail("want a comma or a closing bracket")
	return false
}

// key reads a key and its colon.
func (p *parser) key() string {
	k := p.str()
	if p.failed() {
		return ""
	}
	if p.peek() != ':' {
		p.fail("want a colon")
		return ""
	}
	p.i++
	return k
}

// field reads a key and returns its place in names, -1 if it is none of them. Two equal keys and a key in another case
// are problems; so is Error, which stands alone (see errorReply).
func (p *parser) field(names []string, seen *uint) int {
	k := p.key()
	if p.failed() {
		return -1
	}
	for i, name := range names {
		if k == name {
			if *seen&(1<<i) != 0 {
				p.fail("second " + strconv.Quote(name))
			}
			*seen |= 1 << i
			return i
		}
	}
	for _, name := range names {
		if strings.EqualFold(k, name) {
			p.fail(strconv.Quote(name) + " in another case")
		}
	}
	if strings.EqualFold(k, "Error") {
		p.fail(`"Error" beside other fields`)
	}
	return -1
}

// require fails for the first of the first n names that was not seen.
func (p *parser) require(names []string, n int, seen uint) {
	for i, name := range names[:n] {
		if seen&(1<<i) == 0 {
			p.fail("no " + strconv.Quote(name))
		}
	}
}

// end reads what may follow the value: nothing.
func (p *parser) end() {
	if !p.failed() && (p.peek() != 0 || p.i < len(p.s)) {
		p.fail("more text")
	}
}

// str reads a string; without escapes it is a part of p.s. A lone surrogate becomes U+FFFD.
func (p *parser) str() string {
	if p.failed() {
		return ""
	}
	if p.peek() != '"' {
		p.fail("want a string")
		return ""
	}
	start, ascii := p.i+1, true
	for i := start; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			if !ascii && !utf8.ValidString(p.s[start:i]) {
				p.fail("string is not UTF-8")
				return ""
			}
			p.i = i + 1
			return p.s[start:i]
		case c == '\\':
			return p.escaped(start, i)
		case c < ' ':
			p.i = i
			p.fail("control character in a string")
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.fail("string does not end")
	return ""
}

// escaped goes on with a string that began at start and has its first backslash at i.
func (p *parser) escaped(start, i int) string {
	out := append([]byte(nil), p.s[start:i]...)
	for i < len(p.s) {
		c := p.s[i]
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				p.fail("string is not UTF-8")
				return ""
			}
			p.i = i + 1
			return string(out)
		case c < ' ':
			p.i = i
			p.fail("control character in a string")
			return ""
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		if i+1 == len(p.s) {
			break
		}
		i++
		switch c = p.s[i]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(p.s[i+1:])
			if r < 0 {
				p.i = i
				p.fail("want four hex digits")
				return ""
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if strings.HasPrefix(p.s[i+1:], `\u`) {
					low = hex4(p.s[i+3:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			p.i = i
			p.fail("unknown escape")
			return ""
		}
		i++
	}
	p.fail("string does not end")
	return ""
}

// hex4 returns the value of the first four hex digits of s, -1 if there are not four.
func hex4(s string) rune {
	if len(s) < 4 {
		return -1
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// raw reads a value of any type and returns its text.
func (p *parser) raw() string {
	p.peek()
	start := p.i
	p.skip(0)
	if p.failed() {
		return ""
	}
	return p.s[start:p.i]
}

// skip reads a value of any type.
func (p *parser) skip(depth int) {
	if p.failed() {
		return
	}
	if depth > maxDepth {
		p.fail("nested too deep")
		return
	}
	switch c := p.peek(); {
	case c == '"':
		p.str()
	case c == '{':
		p.i++
		for first := true; p.more(first, '}'); first = false {
			p.key()
			p.skip(depth + 1)
		}
	case c == '[':
		p.i++
		for first := true; p.more(first, ']'); first = false {
			p.skip(depth + 1)
		}
	case c == '-' || '0' <= c && c <= '9':
		p.number()
	default:
		for _, word := range [...]string{"null", "true", "false"} {
			if strings.HasPrefix(p.s[p.i:], word) {
				p.i += len(word)
				return
			}
		}
		p.fail("want a value")
	}
}

func (p *parser) number() {
	if p.s[p.i] == '-' {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '0' {
		p.i++ // no digit may follow
	} else {
		p.digits()
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		p.i++
		p.digits()
	}
	if p.i < len(p.s) && p.s[p.i]|0x20 == 'e' {
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		p.digits()
	}
}

func (p *parser) digits() {
	start := p.i
	for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
		p.i++
	}
	if p.i == start {
		p.fail("want a digit")
	}
}
