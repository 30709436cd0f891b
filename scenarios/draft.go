package scenarios

import (
	"fmt"
	"slices"
	"time"

	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/vmcisim"
)

// Draw chooses one of n things and returns its number, from 0 to n-1; 0 is the simplest. The label says what is chosen.
// With rapid it is
//
//	func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
type Draw func(label string, n int) int

// Grammar says what random programs are made of. The zero value has one client that does what Docker can ask for, to
// volumes on one VM, without faults.
type Grammar struct {
	Clients int      // at most; 0 is 1
	VMs     int      // at most, vm1 included; 0 is 1
	Faults  int      // of each run, at most
	Verbs   []string // what clients do; nil is all that Docker can ask for
	Aliases bool     // a volume may be called by its full name as well
	Quirks  bool     // ESX may have another quirk than it has by default
	Shared  bool     // the network may mix up replies, which no driver survives
	Odd     bool     // rarer faults of the network, crashes as faults, and Go's way of handing on locks may be given
}

// Everything is the grammar of all that the language has.
func Everything() Grammar {
	return Grammar{Clients: 4, VMs: 2, Faults: 2, Verbs: verbNames(), Quirks: true, Shared: true, Odd: true}
}

// Draft is a random program in the making: what is given is drawn at once, operations as they are asked for. Use from
// one goroutine.
type Draft struct {
	grammar Grammar
	draw    Draw
	script  *Script
	names   []string // of volumes, as operations may call them
}

// NewDraft draws what is given. File is the program's name, for messages.
func NewDraft(file string, g Grammar, draw Draw) *Draft {
	g.Clients, g.VMs = max(1, g.Clients), max(1, g.VMs)
	if g.Verbs == nil {
		for _, v := range Verbs() {
			if v.Group == "docker" {
				g.Verbs = append(g.Verbs, v.Name)
			}
		}
	}
	d := &Draft{
		grammar: g, draw: draw, script: &Script{File: file, Quirks: map[string]bool{}},
		names: []string{"v", "w"},
	}
	given := d.names
	if g.Aliases {
		d.names = append(d.names, "v@"+datastore)
	}
	s := d.script
	for i := 2; i <= 1+draw("VMs beside vm1", g.VMs); i++ {
		s.VMs = append(s.VMs, fmt.Sprintf("vm%d", i))
	}
	// One volume is simpler than two, and than to create it.
	for _, name := range given[:(1+draw("given volumes", 3))%3] {
		s.Volumes = append(s.Volumes, Given{Name: name, Opts: d.options()})
	}
	s.Faults = draw("faults", g.Faults+1)
	if quirks := esxsim.QuirkList(); g.Quirks {
		if i := draw("quirk", len(quirks)+1); i > 0 {
			s.Quirks[string(quirks[i-1].Name)] = !quirks[i-1].Default
		}
	}
	s.Shared = g.Shared && draw("network", 8) == 7
	if g.Odd {
		d.odd()
	}
	for i := range g.Clients {
		c := Client{Name: fmt.Sprintf("c%d", i+1)}
		if len(s.VMs) > 0 {
			c.VM = append([]string{""}, s.VMs...)[draw("VM of "+c.Name, 1+len(s.VMs))]
		}
		s.Clients = append(s.Clients, c)
	}
	return d
}

// odd draws what is rarely given.
func (d *Draft) odd() {
	s := d.script
	if d.draw("locks", 4) == 3 {
		s.Locks = explore.GoMutex
	}
	if s.Faults == 0 {
		return
	}
	if kinds := vmcisim.FaultKinds(); d.draw("rare faults", 4) == 3 {
		s.Rare = []string{kinds[d.draw("kind", len(kinds))]}
	}
	what := []string{crashPlugin, crashVM, crashESX}
	if !d.endsESX() {
		what = what[:2]
	}
	if i := d.draw("crashes", 2*len(what)); i >= len(what) {
		s.Crashes = what[i-len(what) : i-len(what)+1]
	}
}

// Verbs are those that Act takes: the grammar's.
func (d *Draft) Verbs() []string { return slices.Clone(d.grammar.Verbs) }

// Act adds an operation, at the end of what some client does. It panics if there is no such verb.
func (d *Draft) Act(verb string) {
	c := &d.script.Clients[d.draw("client", len(d.script.Clients))]
	op := Op{Verb: verb}
	switch verb {
	case "list":
	case "poweroff", "poweron", "suspend", "resume", "reset":
		op.Target = d.vm()
	case "migrate":
		op.Target, op.Text = d.vm(), esxName
	case "rename":
		op.Target, op.Text = d.vm(), "web"
	case "replace":
		op.Target = esxName
	case "stop", "fail":
		if op.Target = esxName; !d.endsESX() {
			op = Op{Verb: "sleep", Pause: time.Second}
		}
	case "crash", "restart":
		op.Target = d.process()
	case "send":
		if op.Command = []string{"get", "create", "remove", "attach", "detach", "list"}[d.draw("command", 6)]; op.Command != "list" {
			op.Volume = d.volume()
		}
	case "admin":
		op.Command, op.Text = "set", d.volume()
		op.Opts = map[string]string{"access": []string{readWrite, readOnly}[d.draw("access", 2)]}
		if _, locks := d.script.Quirks[string(esxsim.SetUnlocked)]; locks { // which does not go with a crash of ESX
			op.Command, op.Text, op.Opts = "rename", "app", map[string]string{"to": "web"}
		}
	case "sleep":
		op.Pause = []time.Duration{time.Second, time.Minute, time.Hour}[d.draw("pause", 3)]
	case "check":
		op.Facts = []Condition{d.fact()}
	case "create":
		op.Volume, op.Opts = d.volume(), d.options()
	case "remove", "mount", "unmount", "get", "path", "write", "sync", "read", "tamper":
		op.Volume = d.volume()
	default:
		panic("scenarios: a draft knows no verb " + verb)
	}
	switch op.Verb {
	case "write":
		op.Text = []string{"x", "y"}[d.draw("text", 2)]
	case "mount", "unmount":
		if id := d.draw("id", 3); id > 0 {
			op.Opts = map[string]string{"id": fmt.Sprintf("id%d", id)}
		}
	}
	if op.Volume != "" && op.Command == "" {
		if op.ID = op.Opts["id"]; op.ID == "" {
			op.ID = c.Name
		}
	}
	c.Ops = append(c.Ops, op)
}

// Script is the program so far, without the clients that do nothing; nil if none does anything.
func (d *Draft) Script() *Script {
	s := d.script.copied()
	s.Clients = slices.DeleteFunc(s.Clients, func(c Client) bool { return len(c.Ops) == 0 })
	if len(s.Clients) == 0 {
		return nil
	}
	return s
}

func (d *Draft) volume() string { return d.names[d.draw("volume", len(d.names))] }

func (d *Draft) vm() string {
	return append([]string{vmName}, d.script.VMs...)[d.draw("VM", 1+len(d.script.VMs))]
}

// process is what crashes.
func (d *Draft) process() string {
	processes := []string{pluginProcess, hostdProcess, esxName}
	if !d.endsESX() {
		processes = processes[:2]
	}
	return processes[d.draw("process", len(processes))]
}

// endsESX reports whether ESX may end. Under two quirks it must not; the parser refuses it, too.
func (d *Draft) endsESX() bool {
	q := d.script.Quirks
	return !q[string(esxsim.NoVMLock)] && !q[string(esxsim.DatastoreCacheRace)]
}

// options are a volume's.
func (d *Draft) options() map[string]string {
	switch d.draw("options", 6) {
	case 4:
		return map[string]string{"access": readOnly}
	case 5:
		return map[string]string{"fstype": "xfs", "size": "300mb"}
	}
	return nil
}

func (d *Draft) fact() Condition {
	c := Condition{What: "refs", Volume: d.volume(), Want: "0"}
	switch d.draw("fact", 3) {
	case 1:
		c.What, c.Want = "attached", noVM
	case 2:
		c.What, c.Want = "mounted", noVM
	}
	return c
}
