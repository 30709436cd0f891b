package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sheet is a scenario file as lines, so that it can be written again with its comments.
type sheet struct {
	header []string // the comments before the first line that says something
	rows   []row
	footer []string
}

// row is one line that says something.
type row struct {
	line   int
	lead   []string // comments above it; "" is a blank line
	text   string   // words, one blank between them; canonical once it is parsed
	note   string   // the comment behind it, with its "#"
	inside bool     // indented: it belongs to the block above
	rank   rank     // set by the parser
}

// rank is the canonical order of rows.
type rank uint8

const (
	rankESX rank = iota
	rankDatastore
	rankVM
	rankVmgroup
	rankAccess
	rankVolume
	rankNetwork
	rankLocks
	rankQuirk
	rankLatency
	rankRecovery
	rankSteps
	rankCrashes
	rankFaults
	rankStart
	rankSchedule
	rankExpect // and its answers
	rankCount
	rankEnd
)

// scan splits a text into rows. The error's line is the second result.
func scan(text string) (*sheet, int, error) {
	s := &sheet{}
	var lead []string
	started := false
	text = strings.TrimSuffix(text, "\n")
	n := 0
	for raw := range strings.SplitSeq(text, "\n") {
		n++
		raw = strings.TrimSuffix(raw, "\r")
		if err := printable(raw); err != nil {
			return nil, n, err
		}
		said, note := split(raw)
		words := strings.Join(strings.Fields(said), " ")
		if words == "" {
			if note != "" || len(lead) == 0 || lead[len(lead)-1] != "" {
				lead = append(lead, note)
			}
			continue
		}
		if !started {
			s.header, lead, started = trimBlank(afterBlank(lead)), nil, true
		}
		s.rows = append(s.rows, row{
			line: n, lead: lead, text: words, note: note, inside: raw[0] == ' ' || raw[0] == '\t',
		})
		lead = nil
	}
	if started {
		s.footer = trimBlank(lead)
	} else {
		s.header = trimBlank(afterBlank(lead))
	}
	return s, n, nil
}

// trimBlank takes the blank lines away that end a list of comments.
func trimBlank(lead []string) []string {
	for len(lead) > 0 && lead[len(lead)-1] == "" {
		lead = lead[:len(lead)-1]
	}
	return lead
}

// afterBlank takes the blank line away that begins a list of comments; there is one at most.
func afterBlank(lead []string) []string {
	if len(lead) > 0 && lead[0] == "" {
		return lead[1:]
	}
	return lead
}

// split cuts a line at its comment: a "#" that begins the line or a word of its own. One inside of a word counts visits.
func split(raw string) (said, note string) {
	for i := range len(raw) {
		if raw[i] != '#' {
			continue
		}
		first := strings.TrimSpace(raw[:i]) == ""
		own := first || raw[i-1] == ' ' || raw[i-1] == '\t'
		if first || own && (i+1 == len(raw) || raw[i+1] == ' ' || raw[i+1] == '\t') {
			return raw[:i], strings.TrimRightFunc(raw[i:], unicode.IsSpace)
		}
	}
	return raw, ""
}

func printable(raw string) error {
	if !utf8.ValidString(raw) {
		return fmt.Errorf("the line is not valid UTF-8: the file must be text")
	}
	if strings.HasPrefix(raw, "\ufeff") {
		return errors.New("the line begins with a byte order mark: save the file as UTF-8 without one")
	}
	for _, r := range raw {
		if unicode.IsControl(r) && r != '\t' {
			return fmt.Errorf("the line has the control character %U: take it out", r)
		}
	}
	return nil
}

// claim is the scenario's; a second one is an error at the line of the row below it.
func (s *sheet) claim() (claim string, line int, err error) {
	found := false
	look := func(lead []string, at int) {
		for _, c := range lead {
			text, ok := strings.CutPrefix(c, "# claim:")
			if ok && found && err == nil {
				line, err = at, errors.New("a second claim: a scenario shows one thing")
			}
			if ok && !found {
				claim, found = strings.TrimSpace(text), true
			}
		}
	}
	look(s.header, 1)
	last := 1
	for _, r := range s.rows {
		look(r.lead, r.line)
		last = r.line
	}
	look(s.footer, last)
	return claim, line, err
}

// String is the canonical text.
func (s *sheet) String() string {
	var b strings.Builder
	comments := func(lead []string, indent string) {
		for _, c := range lead {
			if c == "" {
				b.WriteString("\n")
				continue
			}
			b.WriteString(indent + c + "\n")
		}
	}
	comments(s.header, "")
	rows := slices.Clone(s.rows)
	slices.SortStableFunc(rows, func(a, b row) int { return int(a.rank) - int(b.rank) })
	for i, r := range rows {
		indent := ""
		if r.inside {
			indent = "  "
		}
		if i == 0 { // its comments will be read as the header's
			r.lead = trimBlank(r.lead)
			if len(s.header) == 0 {
				r.lead = afterBlank(r.lead)
			}
		}
		comments(r.lead, indent)
		b.WriteString(indent + r.text)
		if r.note != "" {
			b.WriteString("  " + r.note)
		}
		b.WriteString("\n")
	}
	comments(s.footer, "")
	return b.String()
}
