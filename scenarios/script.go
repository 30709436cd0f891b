package scenarios

import (
	"fmt"
	"strings"
	"time"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
)

// Script is a parsed scenario.
type Script struct {
	File     string
	Claim    string            // the text after "# claim:"
	VMs      []string          // beside vm1
	Homes    map[string]string // of VMs that are not at home on ds1
	BIOS     map[string]string // VMs that have the BIOS uuid of another
	Stores   []string          // datastores beside ds1
	Every    bool              // ESX stops at the steps that only read or decide, too
	Fine     bool              // clients pause before a call, and whoever makes a lock before he takes it
	Volumes  []Given
	Vmgroups []esxsim.Record   // beside _DEFAULT; none: there is no config database
	ESX      []string          // ESX hosts beside esx
	On       map[string]string // VMs that are not on esx at first
	Local    map[string]string // datastores that only one ESX host reaches
	Latency  map[wire.Command]time.Duration
	Recovery time.Duration // from one pass to the next; 0: drivers do not recover
	Network
	Locks   explore.LockModel
	Quirks  map[string]bool
	Crashes []string // what may crash as a fault, see crashFaults
	Faults  int
	Opening []Op // what is done before the clients begin; not in files
	Clients []Client

	Schedule []explore.Deviation
	Exactly  bool // Expect is every visible event, in order
	Expect   []Expectation
	Counts   []Count
	End      []Condition
}

// What "given steps" says.
const (
	stepsEvery = "every"
	stepsFine  = "fine"
)

// Given is a volume that exists at the start.
type Given struct {
	Name string
	Opts map[string]string
}

// Client is a task that does its operations one after another.
type Client struct {
	Name string
	VM   string // where it lives; "" is vm1
	Ops  []Op
}

// Op is one operation. Its verb says which of the other fields it has, see [Verbs].
type Op struct {
	Verb   string
	Volume string // as it is named
	ID     string // mount ID; mount and unmount only
	Opts   map[string]string

	Command string        // of send, and of admin what is done
	Target  string        // a VM, an ESX host, or a process, as the verb says
	Text    string        // of write; of migrate the ESX host, of rename the name, of admin the vmgroup
	Pause   time.Duration // of sleep
	Facts   []Condition   // of check
	Line    int           // of check; 0 if the script is not from a file
}

func (o Op) String() string {
	var b strings.Builder
	b.WriteString(o.Verb)
	for _, word := range []string{o.Command, o.Volume, o.Target, o.Text} {
		if word != "" {
			b.WriteString(" " + word)
		}
	}
	if o.Pause != 0 {
		b.WriteString(" " + pauseText(o.Pause))
	}
	for _, k := range sortedKeys(o.Opts) {
		b.WriteString(" " + k + "=" + o.Opts[k])
	}
	for _, c := range o.Facts {
		b.WriteString(" " + c.String())
	}
	return b.String()
}

// pauseText is a duration without the zeros that Go appends: "1m", not "1m0s".
func pauseText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Expectation is the answer that an operation must get or, in an exact block, one visible event.
type Expectation struct {
	Line   int
	Client string
	Op     string // its text, as Op.String gives it
	Answer string // "" in an exact block: the call itself
}

func (e Expectation) String() string {
	if e.Answer == "" {
		return e.Client + " " + e.Op
	}
	return e.Client + " " + e.Op + arrow + e.Answer
}

const arrow = " -> "

// Count is how often a point must be passed.
type Count struct {
	Line  int
	Point explore.Point
	Want  int
}

// Condition is a fact that must hold, at the end or where a check stands.
type Condition struct {
	Line   int
	What   string // refs, attached, mounted
	VM     string // whose references or mount; "" is the client's own VM, and vm1 at the end
	Volume string
	Want   string
}

func (c Condition) String() string { return c.fact() + "=" + c.Want }

// fact is the condition without its value.
func (c Condition) fact() string {
	if c.VM != "" {
		return c.What + "(" + c.VM + ":" + c.Volume + ")"
	}
	return fmt.Sprintf("%s(%s)", c.What, c.Volume)
}
