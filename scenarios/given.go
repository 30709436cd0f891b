package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
)

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

func (p *parser) givenESX(name string) error {
	switch {
	case !plainName(name) || name == pluginProcess || name == hostdProcess || name == noVM:
		return fmt.Errorf("%s cannot be the name of an ESX host: want letters, digits, - and _", shown(name))
	case name == esxName:
		return fmt.Errorf("%s is always there", esxName)
	case !p.first("esx " + name):
		return fmt.Errorf("esx %s is given twice", name)
	}
	p.s.ESX = append(p.s.ESX, name)
	return nil
}

func (p *parser) givenDatastore(rest string) error {
	name, opts, err := named(strings.Fields(rest), "local")
	if err != nil {
		name = rest // its fault is found below
	}
	switch {
	case !plainName(name):
		return fmt.Errorf("%s cannot be the name of a datastore: want letters, digits, - and _", shown(name))
	case name == datastore:
		return fmt.Errorf("%s is always there", datastore)
	case name == esxsim.HomeDatastore || name == esxsim.AllDatastores:
		return fmt.Errorf("%s means other datastores, and cannot be one", name)
	case !p.first("datastore " + strings.ToLower(name)):
		return fmt.Errorf("datastore %s is given twice", name)
	}
	if esx := opts["local"]; esx != "" {
		put(&p.s.Local, name, esx)
	}
	p.row.text = "given " + Op{Verb: "datastore", Volume: name, Opts: opts}.String()
	p.s.Stores = append(p.s.Stores, name)
	return nil
}

func (p *parser) givenVM(rest string) error {
	name, opts, err := named(strings.Fields(rest), "bios", "esx", "home")
	if err != nil {
		name = rest // its fault is found below
	}
	switch {
	case !plainName(name) || name == noVM:
		return fmt.Errorf("%s cannot be the name of a VM: want letters, digits, - and _", shown(name))
	case name == vmName:
		return fmt.Errorf("%s is always there", vmName)
	case !p.first("vm " + name):
		return fmt.Errorf("vm %s is given twice", name)
	}
	if bios := opts["bios"]; bios != "" {
		if p.s.BIOS == nil {
			p.s.BIOS = map[string]string{}
		}
		p.s.BIOS[name] = bios
	}
	if esx := opts["esx"]; esx != "" && esx != esxName {
		put(&p.s.On, name, esx)
	}
	if home := opts["home"]; home != "" {
		if p.s.Homes == nil {
			p.s.Homes = map[string]string{}
		}
		p.s.Homes[name] = home
	}
	p.row.text = "given " + Op{Verb: "vm", Volume: name, Opts: opts}.String()
	p.s.VMs = append(p.s.VMs, name)
	return nil
}

func (p *parser) givenVolume(rest string) error {
	name, opts, err := named(strings.Fields(rest), createKeys...)
	if err != nil {
		return err
	}
	if !p.first("volume " + volumePart(name)) {
		return fmt.Errorf("volume %s is given twice", name)
	}
	if size, sized := opts["size"]; sized {
		if _, err := sizeOf(size); err != nil {
			return fmt.Errorf("volume %s: %w", name, err)
		}
	}
	for key, known := range map[string][]string{
		"fstype": {"btrfs", "ext4", "xfs"}, "access": {"read-only", "read-write"},
		"attach-as": {"independent_persistent", "persistent"}, "diskformat": {"eagerzeroedthick", "thin", "zeroedthick"},
	} {
		if value, set := opts[key]; set && !slices.Contains(known, value) {
			return fmt.Errorf("volume %s: %w", name, unknown(key, value, known...))
		}
	}
	p.s.Volumes = append(p.s.Volumes, Given{name, opts})
	p.row.text = "given " + Op{Verb: "volume", Volume: name, Opts: opts}.String()
	return nil
}

func (p *parser) givenQuirk(rest string) error {
	name, value, _ := strings.Cut(rest, "=")
	if value != "on" && value != "off" {
		return fmt.Errorf("quirk %s: want NAME=on or NAME=off", shown(rest))
	}
	var names []string
	for _, q := range esxsim.QuirkList() {
		names = append(names, string(q.Name))
	}
	if !slices.Contains(names, name) {
		return unknown("quirk", name, names...)
	}
	if !p.first("quirk " + name) {
		return fmt.Errorf("quirk %s is given twice", name)
	}
	p.s.Quirks[name] = value == "on"
	return nil
}

// givenLatency is how long commands take.
func (p *parser) givenLatency(rest string) error {
	commands := []string{"attach", "create", "detach", "get", "remove"}
	_, opts, err := named(append([]string{"-"}, strings.Fields(rest)...), commands...)
	switch {
	case err != nil:
		return err
	case len(opts) == 0:
		return errors.New("want given latency COMMAND=DURATION")
	}
	for _, k := range sortedKeys(opts) {
		d, err := time.ParseDuration(opts[k])
		if err != nil || d <= 0 || d > maxPause {
			return fmt.Errorf("%s: want a duration such as 30s, 5m or 1h30m", shown(opts[k]))
		}
		if p.s.Latency == nil {
			p.s.Latency = map[wire.Command]time.Duration{}
		}
		p.s.Latency[wire.Command(k)] = d
	}
	p.row.text = latencyText(p.s.Latency)
	return nil
}

func latencyText(of map[wire.Command]time.Duration) string {
	text := "given latency"
	for _, k := range slices.Sorted(maps.Keys(of)) {
		text += " " + string(k) + "=" + pauseText(of[k])
	}
	return text
}

// machines checks what is said of VMs and datastores and can only be known at the end of the file. On an error, what is the
// statement that is wrong.
func (x *index) machines(s *Script) (what string, err error) {
	for _, ds := range sortedKeys(s.Local) {
		if err := x.esx(s.Local[ds]); err != nil {
			return "datastore " + strings.ToLower(ds), fmt.Errorf("datastore %s: %w", ds, err)
		}
	}
	for _, vm := range s.VMs {
		if err := x.machine(s, vm); err != nil {
			return "vm " + vm, fmt.Errorf("vm %s: %w", vm, err)
		}
	}
	return "", nil
}

func (x *index) machine(s *Script, vm string) error {
	esx, home, bios := s.On[vm], s.Homes[vm], s.BIOS[vm]
	if err := x.esx(esx); err != nil {
		return err
	}
	if esx == "" {
		esx = esxName
	}
	stores := append([]string{datastore}, s.Stores...)
	switch {
	case home != "" && !slices.Contains(stores, home):
		return unknown("datastore", home, stores...)
	case s.Local[home] != "" && s.Local[home] != esx:
		return fmt.Errorf("its home %s is local to %s", home, s.Local[home])
	case bios == vm:
		return errors.New("it has a BIOS uuid of its own without bios=, too")
	case s.BIOS[bios] != "":
		return fmt.Errorf("%s has the BIOS uuid of %s itself: name the VM whose own it is", bios, s.BIOS[bios])
	}
	return x.vm(bios)
}

func (x *index) esx(name string) error {
	if name == "" || slices.Contains(x.hosts, name) {
		return nil
	}
	return unknown("ESX host", name, x.hosts...)
}
