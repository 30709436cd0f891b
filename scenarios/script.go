package scenarios

import (
	"fmt"
	"strings"

	"vmdkvol/explore"
)

// Script is a parsed scenario.
type Script struct {
	File    string
	Claim   string // the text after "# claim:"
	Volumes []Given
	Shared  bool
	Quirks  map[string]bool
	Faults  int
	Clients []Client

	Schedule []explore.Deviation
	Expect   []Expectation
	Counts   []Count
	End      []Condition
}

// Given is a volume that exists at the start.
type Given struct {
	Name string
	Opts map[string]string
}

// Client is a task that does its operations one after another.
type Client struct {
	Name string
	Ops  []Op
}

// Op is one operation of Docker.
type Op struct {
	Verb   string
	Volume string // as it is named
	ID     string // mount ID; mount and unmount only
	Opts   map[string]string
}

func (o Op) String() string {
	var b strings.Builder
	b.WriteString(o.Verb + " " + o.Volume)
	for _, k := range sortedKeys(o.Opts) {
		b.WriteString(" " + k + "=" + o.Opts[k])
	}
	return b.String()
}

// Expectation is the answer that an operation must get.
type Expectation struct {
	Line   int
	Client string
	Op     string // its text, as Op.String gives it
	Answer string
}

// Count is how often a point must be passed.
type Count struct {
	Line  int
	Point explore.Point
	Want  int
}

// Condition is a fact that must hold at the end.
type Condition struct {
	Line   int
	What   string // refs, attached, mounted
	Volume string
	Want   string
}

func (c Condition) String() string { return fmt.Sprintf("%s(%s)=%s", c.What, c.Volume, c.Want) }
