package esxsim

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// The original is written in Python, and its texts show it: sidecars come from json.dumps (docs/original.md §2.14), and
// errors contain the repr of strings and lists (§2.3, §2.6).

const hexDigits = "0123456789abcdef"

// appendJSON appends s as json.dumps writes it: ASCII only.
func appendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	if plain(s) {
		b = append(b, s...)
		return append(b, '"')
	}
	for _, r := range s { // an invalid byte becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= ' ' && r <= '~':
			b = append(b, byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r > 0xffff:
			r -= 0x10000
			b = appendU(b, 0xd800+r>>10)
			b = appendU(b, 0xdc00+r&0x3ff)
		default:
			b = appendU(b, r)
		}
	}
	return append(b, '"')
}

// plain reports whether s needs no escapes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func appendU(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// appendField appends `"key": "value"`, after ", " unless it is the first of its object.
func appendField(b []byte, key, value string) []byte {
	b = appendKey(b, key)
	return appendJSON(b, value)
}

func appendKey(b []byte, key string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ", "...)
	}
	b = appendJSON(b, key)
	return append(b, ": "...)
}

// repr is Python's repr of a string.
func repr(s string) string {
	return string(appendRepr(nil, s))
}

func appendRepr(b []byte, s string) []byte {
	quote := reprQuote(s)
	b = append(b, quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xff:
			b = append(b, '\\', 'x', hexDigits[r>>4], hexDigits[r&15])
		case r <= 0xffff:
			b = appendU(b, r)
		default:
			b = append(b, `\U`...)
			for shift := 28; shift >= 0; shift -= 4 {
				b = append(b, hexDigits[r>>shift&15])
			}
		}
	}
	return append(b, quote)
}

// reprBytes is Python 3's repr of a bytes object.
func reprBytes(raw []byte) string {
	quote := reprQuote(string(raw))
	b := []byte{'b', quote}
	for _, c := range raw {
		switch {
		case c == quote || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c >= ' ' && c <= '~':
			b = append(b, c)
		default:
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(append(b, quote))
}

func reprQuote(s string) byte {
	quote := byte('\'')
	for i := range len(s) {
		switch s[i] {
		case '"':
			return '\''
		case '\'':
			quote = '"'
		}
	}
	return quote
}

// reprList is Python's repr of a list of strings.
func reprList(list []string) string {
	b := []byte{'['}
	for i, s := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendRepr(b, s)
	}
	return string(append(b, ']'))
}

// humanSize is the text of a size in a reply to get: whole units, none larger than GB (docs/original.md §2.9).
func humanSize(n int64) string {
	switch {
	case n >= 1<<30:
		return strconv.FormatInt(n>>30, 10) + "GB"
	case n >= 1<<20:
		return strconv.FormatInt(n>>20, 10) + "MB"
	case n >= 1<<10:
		return strconv.FormatInt(n>>10, 10) + "KB"
	default:
		return strconv.FormatInt(n, 10)
	}
}
