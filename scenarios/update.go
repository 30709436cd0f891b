package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Update rewrites what a scenario expects, answers or exact events and counts, to what happened in a run of it. Lines that
// were right, and everything outside of the expect block, stay byte for byte, and no comment is lost. It refuses a run
// that says nothing about the driver: one to which an oracle objected, or whose schedule was not come to.
func Update(file, text string, o *Outcome) (string, error) {
	switch f := o.Result.Failure; {
	case f != nil:
		first, _, _ := strings.Cut(f.Detail, "\n")
		return "", fmt.Errorf("%s: not updated: %s: %s", file, f.Oracle, first)
	case len(o.Unused) > 0:
		return "", fmt.Errorf("%s: not updated: the schedule never came to: %s", file, o.Unused[0])
	}
	s, sh, err := parse(file, text, true)
	if err != nil {
		return "", err
	}
	if len(o.Counts) != len(s.Counts) {
		return "", errors.New("not updated: the run is another scenario's")
	}
	u := &update{script: s, sheet: sh, raw: strings.SplitAfter(text, "\n"), edits: map[int]edit{}}
	u.find()
	if s.Exactly {
		u.exactly(visible(o.Calls))
	} else {
		u.answers(o.Calls)
	}
	u.counts(o.Counts)
	return u.String(), nil
}

// update is a file in the making.
type update struct {
	script  *Script
	sheet   *sheet
	raw     []string // lines with their ends
	expects []row    // of the block, in the order of the file, like script.Expect
	counted []row    // ... like script.Counts, but one for each line
	last    int      // line after which new ones go
	fresh   bool     // there is no block yet; last is where it goes
	edits   map[int]edit
}

// edit changes one line of the file.
type edit struct {
	replaced bool
	with     string   // "" deletes
	after    []string // new lines that follow
}

// find looks for the block, or for where it should be.
func (u *update) find() {
	u.fresh = true
	for _, r := range u.sheet.rows {
		switch {
		case r.rank == rankExpect && r.inside:
			u.expects = append(u.expects, r)
			u.last = r.line
		case r.rank == rankExpect:
			u.last, u.fresh = r.line, false
		case r.rank == rankCount:
			u.counted = append(u.counted, r)
		}
	}
	if !u.fresh {
		return
	}
	for _, r := range u.sheet.rows {
		if r.rank == rankEnd {
			u.last = r.line - len(r.lead) - 1
			return
		}
		u.last = r.line
	}
}

// answers rewrites the lines that match a call, deletes the others and appends what is missing.
func (u *update) answers(calls []Call) {
	used := make([]bool, len(calls))
	for i, r := range u.expects {
		e := u.script.Expect[i]
		c := slices.IndexFunc(calls, func(c Call) bool { return c.Client == e.Client && c.Op.String() == e.Op })
		for c >= 0 && c < len(calls) && (used[c] || calls[c].Client != e.Client || calls[c].Op.String() != e.Op) {
			c++
		}
		if c < 0 || c == len(calls) || calls[c].Answer == "" {
			u.replace(r, "")
			continue
		}
		used[c] = true
		if calls[c].Answer != e.Answer {
			e.Answer = calls[c].Answer
			u.replace(r, e.String())
		}
	}
	for i, c := range calls {
		if !used[i] && c.Answer != "" && !optional(&c) {
			u.add(u.last, Expectation{Client: c.Client, Op: c.Op.String(), Answer: c.Answer}.String())
		}
	}
}

// exactly keeps the longest sequence of lines that is right.
func (u *update) exactly(events []Expectation) {
	n, m := len(u.expects), len(events)
	same := func(i, j int) bool { return u.script.Expect[i].String() == events[j].String() }
	common := make([][]int, n+1) // of what is left from i and j on
	for i := range common {
		common[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if same(i, j) {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	at := u.last // the block's head, if it has no lines
	if n > 0 {
		at = u.headLine()
	}
	for i, j := 0, 0; i < n || j < m; {
		switch {
		case i < n && j < m && same(i, j):
			at = u.expects[i].line
			i, j = i+1, j+1
		case i < n && j < m && common[i][j] == common[i+1][j+1] && u.script.Expect[i].another(events[j]):
			u.replace(u.expects[i], events[j].String())
			at = u.expects[i].line
			i, j = i+1, j+1
		case i < n && (j == m || common[i+1][j] > common[i][j+1] ||
			common[i+1][j] == common[i][j+1] && !slices.ContainsFunc(events[j:], u.script.Expect[i].another)):
			u.replace(u.expects[i], "")
			at = u.expects[i].line
			i++
		default:
			u.add(at, events[j].String())
			j++
		}
	}
}

// another reports whether both are answers to one call.
func (e Expectation) another(o Expectation) bool {
	return e.Client == o.Client && e.Op == o.Op && e.Answer != "" && o.Answer != ""
}

func (u *update) headLine() int {
	for _, r := range u.sheet.rows {
		if r.rank == rankExpect && !r.inside {
			return r.line
		}
	}
	return u.last
}

func (u *update) counts(got []int) {
	next := 0
	for _, r := range u.counted {
		var texts []string
		wrong := false
		for next < len(got) && u.script.Counts[next].Line == r.line {
			c := u.script.Counts[next]
			wrong = wrong || c.Want != got[next]
			texts = append(texts, fmt.Sprintf("%s=%d", c.Point, got[next]))
			next++
		}
		if wrong {
			u.replace(r, "count "+strings.Join(texts, " "))
		}
	}
}

// replace changes what a row says and keeps its indentation, its comment and its end. Without a text the row goes, and
// its comment gets a line of its own.
func (u *update) replace(r row, text string) {
	raw := u.raw[r.line-1]
	body := strings.TrimRight(raw, "\r\n")
	said, _ := split(body)
	words := strings.TrimSpace(said)
	start := strings.Index(body, words)
	tail := raw[start+len(words):]
	if text == "" {
		if tail = strings.TrimLeft(tail, " \t"); r.note == "" {
			tail = ""
		}
	}
	e := u.edits[r.line]
	e.replaced = true
	if text != "" || tail != "" {
		e.with = body[:start] + text + tail
	}
	u.edits[r.line] = e
}

// add puts a new line of the block behind a line of the file.
func (u *update) add(line int, text string) {
	e := u.edits[line]
	e.after = append(e.after, "  "+text+"\n")
	u.edits[line] = e
}

func (u *update) String() string {
	var b strings.Builder
	put := func(s string) {
		if s == "" {
			return
		}
		if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") { // the file's last line, which has no end
			b.WriteString("\n")
		}
		b.WriteString(s)
	}
	follow := func(line int) {
		after := u.edits[line].after
		if u.fresh && len(after) > 0 {
			put("expect\n")
		}
		for _, s := range after {
			put(s)
		}
	}
	follow(0)
	for i, raw := range u.raw {
		if e := u.edits[i+1]; e.replaced {
			put(e.with)
		} else {
			put(raw)
		}
		follow(i + 1)
	}
	return b.String()
}
