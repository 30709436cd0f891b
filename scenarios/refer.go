package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
)

// references checks what can only be known at the end of the file: names of VMs, clients and tasks.
func (p *parser) references() error {
	at := func(line int, err error) error {
		if err == nil {
			return nil
		}
		return &ParseError{p.s.File, line, err}
	}
	for _, r := range p.names() {
		if err := at(r.line, r.err); err != nil {
			return err
		}
	}
	for _, e := range p.s.Expect {
		if err := at(e.Line, p.s.done(e)); err != nil {
			return err
		}
	}
	for i, d := range p.s.Schedule {
		if err := at(p.sites[i], p.s.tasks(d)); err != nil {
			return err
		}
	}
	if len(p.ends) > 0 && p.s.Quirks[string(esxsim.NoVMLock)] {
		return at(p.ends[0], fmt.Errorf("with quirk %s a VM stays busy for ever if ESX crashes during an attach: leave one of them out",
			esxsim.NoVMLock))
	}
	return nil
}

// finding is an error and where it is.
type finding struct {
	line int
	err  error
}

// names looks at every place that names a VM.
func (p *parser) names() (found []finding) {
	vms := append([]string{vmName}, p.s.VMs...)
	known := func(line int, vm string, also ...string) {
		if vm != "" && !slices.Contains(vms, vm) && !slices.Contains(also, vm) {
			found = append(found, finding{line, unknown("VM", vm, append(also, vms...)...)})
		}
	}
	facts := func(line int, cs []Condition) {
		for _, c := range cs {
			if c.Line != 0 {
				line = c.Line
			}
			known(line, c.VM)
			if c.What == "attached" {
				known(line, c.Want, noVM)
			}
		}
	}
	rows := p.lines
	for i, c := range p.s.Clients {
		known(rows[i], c.VM)
		for _, op := range c.Ops {
			if op.Verb == "poweroff" || op.Verb == "poweron" {
				known(rows[i], op.Target)
			}
			facts(rows[i], op.Facts)
		}
	}
	facts(0, p.s.End)
	return found
}

// done reports whether an expectation speaks of something that the script does.
func (s *Script) done(e Expectation) error {
	i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.Name == e.Client })
	if i < 0 {
		return fmt.Errorf("no client %s was started%s", shown(e.Client), meant(e.Client, s.clients()))
	}
	var texts []string
	for _, o := range s.Clients[i].Ops {
		texts = append(texts, o.String())
	}
	if !slices.Contains(texts, e.Op) {
		return fmt.Errorf("client %s does not do %s%s", e.Client, shown(e.Op), meant(e.Op, texts))
	}
	return nil
}

func (s *Script) clients() []string {
	var names []string
	for _, c := range s.Clients {
		names = append(names, c.Name)
	}
	return names
}

// meant is the end of a message, with a guess.
func meant(word string, known []string) string {
	if guess := nearest(word, known); guess != "" {
		return ": did you mean " + guess + "?"
	}
	return ": there are " + strings.Join(known, "; ")
}

// backgroundTasks are how the names of the driver's own tasks begin; the volume's name follows.
var backgroundTasks = []string{"let go ", "unmount "}

// tasks reports a task of a deviation that no run of the script can have.
func (s *Script) tasks(d explore.Deviation) error {
	if err := s.task(d.Site.Task); err != nil {
		return err
	}
	if d.Kind == explore.Fault || d.To == "clock" {
		return nil
	}
	return s.task(d.To)
}

func (s *Script) task(name string) error {
	base, _, _ := strings.Cut(name, "'") // the second task of a name has 2 behind it
	if slices.Contains(s.clients(), base) {
		return nil
	}
	for _, b := range backgroundTasks {
		if strings.HasPrefix(base, b) {
			return nil
		}
	}
	rest, esx := strings.CutPrefix(base, "esx:")
	if !esx {
		return fmt.Errorf("unknown task %s%s; or esx:VM:COMMAND:VOLUME#N, %sVOLUME", shown(name), meant(base, s.clients()),
			strings.Join(backgroundTasks, "VOLUME, "))
	}
	vm, rest, _ := strings.Cut(rest, ":")
	if vms := append([]string{vmName}, s.VMs...); !slices.Contains(vms, vm) {
		return fmt.Errorf("task %s: %w", shown(name), unknown("VM", vm, vms...))
	}
	i := strings.LastIndexByte(rest, '#')
	if i < 0 {
		return fmt.Errorf("task %s: want esx:VM:COMMAND:VOLUME#N", shown(name))
	}
	command, _, _ := strings.Cut(rest[:i], ":")
	var commands []string
	for _, c := range []wire.Command{wire.Create, wire.Remove, wire.List, wire.Get, wire.Attach, wire.Detach} {
		commands = append(commands, string(c))
	}
	if !slices.Contains(commands, command) {
		return fmt.Errorf("task %s: %w", shown(name), unknown("command", command, commands...))
	}
	if n := strings.TrimSuffix(rest[i+1:], ".dup"); n == "" || strings.Trim(n, "0123456789") != "" {
		return fmt.Errorf("task %s: %w", shown(name), errors.New("the number after # counts requests from 1"))
	}
	return nil
}
