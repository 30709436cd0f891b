package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vmdkvol/explore"
)

// Trace is one run, event by event. Another build may do the same in other steps, so a trace is compared only within the
// build that wrote it; what outlives a build is the scenario and the deviations in it. It holds no time of day and no
// path, so the same run gives the same text everywhere.
type Trace struct {
	File       string
	Build      string // of the program that ran: one word that no other build has, then what helps a human
	Name       string // of the scenario
	Scenario   string // its text
	Deviations []explore.Deviation
	Events     []string // as they stand in the file, without the mark of a deviation
	Hash       string   // of all events

	marked []bool // by event: it is the first after a deviation
	line   int    // of the first event in the file
}

// The lines of a trace that are not indented. A blank after a word means that something follows.
const (
	traceMagic      = "vmdksim trace "
	traceHead       = traceMagic + "1"
	traceBuild      = "build "
	traceScenario   = "scenario "
	traceDeviations = "deviations"
	traceEvents     = "events"
	traceHash       = "hash "
)

// maxTrace is in bytes: a run of as many steps as the explorer allows is smaller.
const maxTrace = 64 << 20

// IsTrace reports whether a file holds a trace: by its name or by its first line.
func IsTrace(file, text string) bool {
	return strings.HasSuffix(file, ".trace") || strings.HasPrefix(text, traceMagic)
}

// NewTrace writes down a run. The outcome must have its events; text is the scenario's file.
func NewTrace(build, name, text string, o *Outcome) *Trace {
	t := &Trace{
		Build: build, Name: name, Scenario: strings.ReplaceAll(text, "\r\n", "\n"),
		Deviations: o.Result.Deviations, Hash: o.Result.Hash.String(),
	}
	for _, e := range o.Events {
		t.Events, t.marked = append(t.Events, eventLine(e)), append(t.marked, e.Deviation)
	}
	return t
}

// oneLined keeps an event on its line.
var oneLined = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// eventLine is "KIND TASK: WHAT".
func eventLine(e explore.Event) string {
	var words []string
	if e.Text != "" {
		words = append(words, e.Text)
	}
	if e.Point.Op != "" {
		words = append(words, e.Point.String())
	}
	s := fmt.Sprintf("%-7s %s", e.Kind, e.Task)
	if len(words) > 0 {
		s += ": " + strings.Join(words, " at ")
	}
	return oneLined.Replace(s)
}

// String is the file.
func (t *Trace) String() string {
	var b strings.Builder
	b.WriteString(traceHead + "\n" + traceBuild + t.Build + "\n" + traceScenario + t.Name + "\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(t.Scenario, "\n"), "\n") {
		b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
	}
	b.WriteString(traceDeviations + "\n")
	for _, d := range t.Deviations {
		b.WriteString("  " + d.String() + "\n")
	}
	b.WriteString(traceEvents + "\n")
	for i, e := range t.Events {
		mark := "  "
		if t.marked[i] {
			mark = "> "
		}
		b.WriteString(mark + e + "\n")
	}
	b.WriteString(traceHash + t.Hash + "\n")
	return b.String()
}

// Script is the scenario with the trace's deviations as its schedule, and behind them those that the run never came to.
func (t *Trace) Script() (*Script, error) {
	const above = 3 // lines of the trace above the scenario, so that an error names the line in the trace
	s, err := Parse(t.File, strings.Repeat("\n", above)+t.Scenario)
	if err != nil {
		return nil, err
	}
	for i, d := range t.Deviations {
		if err := s.index().deviation(d); err != nil {
			return nil, &ParseError{t.File, t.line - 1 - len(t.Deviations) + i, err}
		}
	}
	unused := slices.DeleteFunc(s.Schedule, func(d explore.Deviation) bool { return slices.Contains(t.Deviations, d) })
	s.Schedule = slices.Concat(t.Deviations, unused)
	return s, nil
}

// Difference is where two traces part.
type Difference struct {
	Line int // in the file of the first
	At   int // number of the event, from 1
	// Before are the last events that they have in common, Was and Is what follows: "" if that trace is over.
	Before  []string
	Was, Is string
}

// contextEvents is how many common events a Difference shows.
const contextEvents = 5

// Compare returns where a later run of the same scenario parts from t; nil if it does not.
func (t *Trace) Compare(later *Trace) *Difference {
	for i := range max(len(t.Events), len(later.Events)) {
		was, is := at(t.Events, i), at(later.Events, i)
		if was != is {
			return &Difference{t.line + i, i + 1, t.Events[max(0, i-contextEvents):min(i, len(t.Events))], was, is}
		}
	}
	if n := len(t.Events); t.Hash != later.Hash {
		return &Difference{t.line + n, n + 1, nil, traceHash + t.Hash, traceHash + later.Hash}
	}
	return nil
}

func at(events []string, i int) string {
	if i < len(events) {
		return events[i]
	}
	return ""
}

// ParseTrace reads a trace. Its scenario is looked at by Script. The error is a *ParseError.
func ParseTrace(file, text string) (*Trace, error) {
	if len(text) > maxTrace {
		return nil, &ParseError{file, 1, fmt.Errorf("the file is %d bytes long, the most is %d", len(text), maxTrace)}
	}
	r := &traceReader{lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	t := &Trace{File: file}
	if err := r.read(t); err != nil {
		return nil, &ParseError{file, min(r.n+1, len(r.lines)), err}
	}
	return t, nil
}

type traceReader struct {
	lines []string
	n     int // of the line that comes next, from 0
}

func (r *traceReader) read(t *Trace) (err error) {
	if _, err = r.line(traceHead); err != nil {
		return err
	}
	if t.Build, err = r.line(traceBuild); err != nil {
		return err
	}
	if t.Name, err = r.line(traceScenario); err != nil {
		return err
	}
	var scenario []string
	if err = r.block(func(line string) error { scenario = append(scenario, line); return nil }); err != nil {
		return err
	}
	t.Scenario = strings.Join(scenario, "\n") + "\n"
	if _, err = r.line(traceDeviations); err != nil {
		return err
	}
	if err = r.block(func(line string) error {
		d, err := explore.ParseDeviation(line)
		t.Deviations = append(t.Deviations, d)
		return oneLineError(err)
	}); err != nil {
		return err
	}
	if _, err = r.line(traceEvents); err != nil {
		return err
	}
	t.line = r.n + 1
	if err = r.block(func(line string) error { t.Events = append(t.Events, line); return nil }); err != nil {
		return err
	}
	if t.Hash, err = r.line(traceHash); err == nil && r.n < len(r.lines) {
		err = errors.New("nothing follows the hash: take the rest out")
	}
	return err
}

// line takes the line that begins with a word, which is all of it unless the word ends with a blank.
func (r *traceReader) line(word string) (rest string, err error) {
	if r.n == len(r.lines) {
		return "", fmt.Errorf("the trace ends here, and the line %q is missing: it was cut, write it again with run --trace", strings.TrimSpace(word))
	}
	line := strings.TrimSuffix(r.lines[r.n], "\r")
	if err := printable(line); err != nil {
		return "", err
	}
	rest, ok := strings.CutPrefix(line, word)
	if !ok || (rest != "") != strings.HasSuffix(word, " ") {
		return "", fmt.Errorf("%s is not what stands here in a trace: want the line %q; run --trace writes traces", shown(line), strings.TrimSpace(word))
	}
	r.n++
	return rest, nil
}

// block takes the indented lines that follow, and empty ones between them.
func (r *traceReader) block(take func(string) error) error {
	for ; r.n < len(r.lines); r.n++ {
		line := strings.TrimSuffix(r.lines[r.n], "\r")
		if line != "" && line[0] != ' ' && line[0] != '>' {
			break
		}
		if err := printable(line); err != nil {
			return err
		}
		if err := take(line[min(2, len(line)):]); err != nil {
			return err
		}
	}
	return nil
}
