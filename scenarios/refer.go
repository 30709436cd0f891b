package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
)

// index is what names in a script can refer to.
type index struct {
	vms     []string
	hosts   []string // of ESX
	clients []string
	volumes []string        // volume parts
	used    map[string]bool // volumes
	isVM    map[string]bool
	does    map[string][]string // the texts of a client's operations
	known   map[string]bool     // client, blank, text
	fine    bool                // requests are counted for each task that asks
}

func (s *Script) index() *index {
	x := &index{
		vms: append([]string{vmName}, s.VMs...), hosts: append([]string{esxName}, s.ESX...), isVM: map[string]bool{}, used: map[string]bool{}, does: map[string][]string{}, known: map[string]bool{},
		fine: s.Fine,
	}
	for _, vm := range x.vms {
		x.isVM[vm] = true
	}
	for _, v := range s.Volumes {
		x.speaks(v.Name)
	}
	for _, c := range s.Clients {
		x.clients = append(x.clients, c.Name)
		x.does[c.Name] = []string{}
		for _, o := range c.Ops {
			x.speaks(o.Volume)
			if o.Verb == "admin" && o.Command == "set" {
				x.speaks(o.Text)
			}
			text := o.String()
			if key := c.Name + " " + text; !x.known[key] {
				x.known[key] = true
				x.does[c.Name] = append(x.does[c.Name], text)
			}
		}
	}
	return x
}

// speaks notes a volume that something is said of.
func (x *index) speaks(volume string) {
	if volume = volumePart(volume); volume != "" && !x.used[volume] {
		x.used[volume] = true
		x.volumes = append(x.volumes, volume)
	}
}

// references checks what can only be known at the end of the file: names of VMs, clients and tasks. In a stale script,
// what is expected need not be done.
func (p *parser) references(stale bool) error {
	x := p.s.index()
	at := func(line int, err error) error {
		if err == nil {
			return nil
		}
		return &ParseError{p.s.File, line, err}
	}
	if what, err := x.machines(p.s); err != nil {
		return at(p.seen[what], err)
	}
	if what, err := x.vmgroups(p.s); err != nil {
		return at(p.seen[what], err)
	}
	for i, c := range p.s.Clients {
		if err := at(p.lines[i], cmp.Or(x.client(c), p.s.sends(c))); err != nil {
			return err
		}
	}
	for _, c := range p.s.End {
		err := x.condition(c)
		if err == nil { // a check may speak of a volume that shrinking has left out
			err = x.volume(c.Volume)
		}
		if err != nil {
			return at(c.Line, fmt.Errorf("%s: %w", c.fact(), err))
		}
	}
	for _, c := range p.s.Counts {
		if err := at(c.Line, x.count(c.Point)); err != nil && !stale {
			return err
		}
	}
	for _, e := range p.s.Expect {
		if err := at(e.Line, x.done(e)); err != nil && !stale {
			return err
		}
	}
	for i, d := range p.s.Schedule {
		if err := at(p.sites[i], x.deviation(d)); err != nil {
			return err
		}
	}
	if err := p.s.directly(); err != nil {
		return at(p.seen["network"], err)
	}
	for _, name := range p.s.Rare {
		if vm, ok := strings.CutPrefix(name, "taken-for@"); ok {
			if err := at(p.seen["network"], x.vm(vm)); err != nil {
				return err
			}
		}
	}
	if p.s.mayEnd() {
		p.ends = append(p.ends, p.seen["network"])
	}
	if p.s.crashes(crashESX) {
		p.ends = append(p.ends, p.seen["crashes"])
	}
	if len(p.ends) > 0 && p.s.Quirks[string(esxsim.DatastoreCacheRace)] {
		return at(p.ends[0], fmt.Errorf("with quirk %s no datastore is known any more if ESX crashes during a list: leave one of them out",
			esxsim.DatastoreCacheRace))
	}
	if on, said := p.s.Quirks[string(esxsim.SetUnlocked)]; len(p.ends) > 0 && said && !on && p.s.administers("set") {
		return at(p.ends[0], fmt.Errorf("without quirk %s, admin set holds a lock that ends with ESX: leave one of them out", esxsim.SetUnlocked))
	}
	if len(p.ends) > 0 && p.s.Quirks[string(esxsim.NoVMLock)] {
		return at(p.ends[0], fmt.Errorf("with quirk %s a VM stays busy for ever if ESX crashes during an attach: leave one of them out",
			esxsim.NoVMLock))
	}
	return nil
}

// client looks at the names of VMs in what a client does.
func (x *index) client(c Client) error {
	if err := x.vm(c.VM); err != nil {
		return err
	}
	for _, op := range c.Ops {
		vm, esx := op.aimed()
		if err := x.vm(vm); err != nil {
			return err
		}
		if err := x.process(esx); err != nil {
			return fmt.Errorf("%s: %w", op.Verb, err)
		}
		for _, f := range op.Facts {
			if err := x.condition(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *index) condition(c Condition) error {
	if at := strings.TrimPrefix(c.Volume, volumePart(c.Volume)); at != "" && at != "@" && at != "@"+datastore {
		return fmt.Errorf("facts are about volumes on %s, not %s", datastore, at)
	}
	if c.What == "attached" && c.Want != noVM {
		return x.vm(c.Want)
	}
	return x.vm(c.VM)
}

// volume looks at the name of a volume in what is expected: a fact about one that nobody uses holds whatever happens.
func (x *index) volume(name string) error {
	if x.used[volumePart(name)] {
		return nil
	}
	return unknown("volume", name, x.volumes...)
}

// count looks at a point that is counted. Which points there are is known for the arrival of requests alone.
func (x *index) count(at explore.Point) error {
	group, rest, _ := strings.Cut(at.Op, ".")
	if groups := []string{"esx", "file", "guest", "hostd", "lock", "net", "plugin", "vm", "wait"}; !slices.Contains(groups, group) {
		return fmt.Errorf("count %s: %w", at, unknown("point", group, groups...))
	}
	switch wire.Command(rest) {
	case wire.Create, wire.Remove, wire.Get, wire.Attach, wire.Detach:
		if err := x.volume(at.Object); group == "esx" && err != nil {
			return fmt.Errorf("count %s: %w", at, err)
		}
	}
	return nil
}

func (x *index) vm(name string) error {
	if name == "" || x.isVM[name] {
		return nil
	}
	return unknown("VM", name, x.vms...)
}

// process looks at the name of an ESX host where others could stand.
func (x *index) process(name string) error {
	if name == "" || slices.Contains(x.hosts, name) {
		return nil
	}
	return unknown("process", name, append([]string{pluginProcess, hostdProcess}, x.hosts...)...)
}

// done reports whether an expectation speaks of something that the script does.
func (x *index) done(e Expectation) error {
	does, started := x.does[e.Client]
	switch {
	case !started:
		return fmt.Errorf("no client %s was started%s", shown(e.Client), meant(e.Client, x.clients))
	case !x.known[e.Client+" "+e.Op]:
		return fmt.Errorf("client %s does not do %s%s", e.Client, shown(e.Op), meant(e.Op, does))
	}
	return nil
}

// backgroundTasks are how the names of the driver's own tasks begin; the volume's name follows.
var backgroundTasks = []string{"let go ", "unmount "}

// setUp is the task in whose place the first client starts.
const setUp = "set-up"

// deviation reports a task that no run of the script can have.
func (x *index) deviation(d explore.Deviation) error {
	if d.Site.Task != setUp {
		if err := x.task(d.Site.Task); err != nil {
			return err
		}
	}
	if d.Kind == explore.Fault || d.To == "clock" {
		return nil
	}
	return x.task(d.To)
}

func (x *index) task(name string) error {
	if carrier, esx := strings.CutPrefix(name, esxTask); esx {
		if err := x.carrier(carrier); err != nil {
			return fmt.Errorf("task %s: %w", shown(name), err)
		}
		return nil
	}
	base, _, _ := strings.Cut(name, "'") // the second task of a name has 2 behind it
	if _, client := x.does[base]; client || base == watchdog || base == recoveryTask || base == closingTask {
		return nil
	}
	for _, b := range backgroundTasks {
		if strings.HasPrefix(base, b) {
			return nil
		}
	}
	for _, prefix := range []string{goneTask, crashTask} {
		client, is := strings.CutPrefix(base, prefix)
		if _, started := x.does[client]; is && started {
			return nil
		}
	}
	if who, listens := strings.CutPrefix(base, listenerTask); listens && (x.isVM[who] || slices.Contains(x.hosts, who)) {
		return nil
	}
	return fmt.Errorf("unknown task %s%s; or %s, %sVOLUME, gone:CLIENT, crash:CLIENT", shown(name), meant(base, x.clients), x.carriers(),
		strings.Join(backgroundTasks, "VOLUME, "))
}

// esxTask begins the names of the tasks that carry requests.
const esxTask = "esx:"

// carriers is the form of such a name.
func (x *index) carriers() string {
	if x.fine {
		return "esx:VM:COMMAND:VOLUME#TASK.N"
	}
	return "esx:VM:COMMAND:VOLUME#N"
}

// carrier looks at the name of a request's task, without esx: and perhaps with 'N behind it.
func (x *index) carrier(name string) error {
	vm, rest, _ := strings.Cut(name, ":")
	if err := x.vm(vm); err != nil {
		return err
	}
	rest, number, ok := strings.Cut(rest, "#") // neither VM nor command nor volume have another
	if dot := strings.LastIndexByte(number, '.'); ok && x.fine {
		if ok = dot > 0; ok {
			if err := x.asker(number[:dot]); err != nil {
				return err
			}
			number = number[dot+1:]
		}
	}
	if !ok {
		return errors.New("want " + x.carriers())
	}
	command, _, _ := strings.Cut(rest, ":")
	var commands []string
	for _, c := range []wire.Command{wire.Create, wire.Remove, wire.List, wire.Get, wire.Attach, wire.Detach} {
		commands = append(commands, string(c))
	}
	if !slices.Contains(commands, command) {
		return unknown("command", command, commands...)
	}
	if n, _, _ := strings.Cut(number, "'"); n == "" || strings.Trim(n, "0123456789") != "" {
		return errors.New("the number after # counts requests from 1")
	}
	return nil
}

// asker looks at the name of a task that sends a request; one that carries a request sends none.
func (x *index) asker(name string) error {
	if strings.HasPrefix(name, esxTask) {
		return errors.New("want " + x.carriers() + ", where TASK is a client or a task of a driver")
	}
	return x.task(name)
}
