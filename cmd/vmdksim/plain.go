package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What guests have chosen, such as the name of a volume, could otherwise give orders to the terminal of whoever reads it, or
// look like more rows of a table.

// plain writes what is not printable in text, and the backslash, as a Go string literal does.
func plain(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1, r == '\\', !unicode.IsPrint(r):
			quoted := strconv.Quote(text[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// plainJSON does the same in JSON, which stays as it is for a program. Line ends are between its values alone.
func plainJSON(text []byte) []byte {
	b := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch high, low := utf16.EncodeRune(r); {
		case unicode.IsPrint(r) || r == '\n':
			b = utf8.AppendRune(b, r)
		case high != unicode.ReplacementChar:
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// plainError has the text of an error made plain, and is that error.
func plainError(err error) error { return &plainly{err} }

type plainly struct{ err error }

func (e *plainly) Error() string { return plain(e.err.Error()) }
func (e *plainly) Unwrap() error { return e.err }
