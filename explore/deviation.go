package explore

import (
	"fmt"
	"strconv"
	"strings"
)

// DeviationKind is how a schedule departs from the default.
type DeviationKind uint8

// The kinds of deviations, each worth 1.
const (
	Switch DeviationKind = iota // the current task could go on, another does
	Pick                        // the current task waits or has ended, and another than the default goes on
	Fault                       // something fails
)

// Deviation is one departure from the default schedule. It names who and where, never a step number, so that it
// survives changes elsewhere in the program. Its text forms, one per kind:
//
//	switch c1 -> c2 before esx.attach(data)#1
//	pick c2 when c1 blocks at lock(data)#1
//	pick c2 when c1 ends
//	fault lose at esx:vm1#1 net.reply(data)#1
//
// The task "clock" in place of a task's name means that the next timer fires early.
type Deviation struct {
	Kind  DeviationKind
	Site  Site   // the current task and where it is; a Pick after a task has ended has no Point
	To    string // the task that goes on (Switch, Pick)
	Fault string
}

// departure is a Deviation as the kernel records it: cheap, and valid until the next run.
type departure struct {
	task   *Task
	to     *Task
	fault  string
	visits int32 // of the task so far; of fault points, if that is the kind
	kind   DeviationKind
	ended  bool
}

// deviate records a departure, whose other fields the caller sets. Random strategies depart at most choices, so the room of the last
// run is written over field by field: append would put together and copy a whole departure, and each pointer that is written,
// a string's too, asks whether the garbage collector is at work.
//
//go:norace
func (k *Kernel) deviate(kind DeviationKind, t *Task, visits int) *departure {
	n := len(k.deviations)
	if n == cap(k.deviations) {
		k.deviations = append(k.deviations, departure{})
	} else {
		k.deviations = k.deviations[:n+1]
	}
	k.deviated = true
	d := &k.deviations[n]
	d.kind, d.task, d.visits, d.to, d.ended = kind, t, int32(visits), nil, false
	if d.fault != "" {
		d.fault = ""
	}
	return d
}

func (k *Kernel) materialize() []Deviation {
	ds := make([]Deviation, 0, len(k.deviations))
	for _, r := range k.deviations {
		d := Deviation{Kind: r.kind, Site: Site{Task: r.task.name}, Fault: r.fault}
		if r.to != nil {
			d.To = r.to.name
		}
		visited := r.task.visited
		if r.kind == Fault {
			visited = r.task.asked
		}
		if !r.ended {
			visited = visited[:r.visits]
			d.Site.Point = visited[r.visits-1]
			d.Site.N = count(visited, d.Site.Point)
		}
		ds = append(ds, d)
	}
	return ds
}

// Costs reports whether the deviation uses the fault budget: a fault, or a timer that fires early.
func (d Deviation) Costs() bool { return d.Kind == Fault || d.Early() }

// Early reports whether the deviation lets the next timer fire although somebody can still go on.
func (d Deviation) Early() bool { return d.To == clockName }

// Preemption reports whether the deviation takes the turn from a task that could have gone on.
func (d Deviation) Preemption() bool { return d.Kind == Switch }

func (d Deviation) String() string {
	switch d.Kind {
	case Switch:
		return "switch " + d.Site.Task + " -> " + d.To + " before " + d.Site.at()
	case Fault:
		return "fault " + d.Fault + " at " + d.Site.Task + " " + d.Site.at()
	}
	if d.Site.Op == "" {
		return "pick " + d.To + " when " + d.Site.Task + " ends"
	}
	return "pick " + d.To + " when " + d.Site.Task + " blocks at " + d.Site.at()
}

// ParseDeviation reads the text form.
func ParseDeviation(text string) (Deviation, error) {
	text = strings.TrimSpace(text)
	verb, rest, _ := strings.Cut(text, " ")
	switch verb {
	case "switch":
		from, rest, ok1 := strings.Cut(rest, " -> ")
		to, at, ok2 := strings.Cut(rest, " before ")
		if ok1 && ok2 {
			site, err := parseSite(from, at)
			return Deviation{Kind: Switch, Site: site, To: to}, err
		}
	case "pick":
		to, rest, ok := strings.Cut(rest, " when ")
		if task, ended := strings.CutSuffix(rest, " ends"); ok && ended {
			return Deviation{Kind: Pick, Site: Site{Task: task}, To: to}, nil
		}
		if task, at, waits := strings.Cut(rest, " blocks at "); ok && waits {
			site, err := parseSite(task, at)
			return Deviation{Kind: Pick, Site: site, To: to}, err
		}
	case "fault":
		name, rest, ok1 := strings.Cut(rest, " at ")
		// The name of a task can have blanks, and so can what follows the parenthesis.
		end := strings.LastIndexByte(rest[:max(0, strings.IndexByte(rest, '('))], ' ')
		if ok1 && end > 0 {
			site, err := parseSite(rest[:end], rest[end+1:])
			return Deviation{Kind: Fault, Site: site, Fault: name}, err
		}
	default:
		return Deviation{}, fmt.Errorf("unknown deviation %q: want switch, pick or fault", verb)
	}
	return Deviation{}, fmt.Errorf("malformed %s %q: want one of\n  switch A -> B before op(object)#n\n"+
		"  pick B when A blocks at op(object)#n\n  pick B when A ends\n  fault NAME at A op(object)#n", verb, text)
}

func parseSite(task, at string) (Site, error) {
	hash := strings.LastIndexByte(at, '#')
	open := strings.IndexByte(at, '(')
	if open <= 0 || hash < open || at[hash-1] != ')' {
		return Site{}, fmt.Errorf("malformed place %q: want op(object)#n", at)
	}
	n, err := strconv.Atoi(at[hash+1:])
	if err != nil || n < 1 {
		return Site{}, fmt.Errorf("malformed place %q: the number after # counts visits from 1", at)
	}
	return Site{Task: task, Point: Point{at[:open], at[open+1 : hash-1]}, N: n}, nil
}
