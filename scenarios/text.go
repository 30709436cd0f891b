package scenarios

import (
	"fmt"
	"maps"
	"strings"

	"vmdkvol/explore"
)

// Text is the scenario as a file, without what it expects. Whatever is given must be said here, or a counterexample that
// is written is not the one that was found.
func (s *Script) Text(header ...string) string {
	var b strings.Builder
	for _, h := range header {
		b.WriteString("# " + h + "\n")
	}
	s.writeMachines(&b)
	for _, r := range s.Vmgroups {
		b.WriteString(vmgroupText(r))
	}
	for _, v := range s.Volumes {
		given(&b, "volume", v.Name, v.Opts)
	}
	s.writeConduct(&b)
	for _, c := range s.Clients {
		var ops []string
		for _, o := range c.Ops {
			ops = append(ops, o.String())
		}
		b.WriteString("start " + c.who() + ": " + strings.Join(ops, "; ") + "\n")
	}
	b.WriteString("schedule\n")
	for _, d := range s.Schedule {
		b.WriteString("  " + d.String() + "\n")
	}
	return b.String()
}

func given(b *strings.Builder, what, name string, opts map[string]string) {
	b.WriteString("given " + Op{Verb: what, Volume: name, Opts: opts}.String() + "\n")
}

// writeMachines writes what hosts, datastores and VMs there are.
func (s *Script) writeMachines(b *strings.Builder) {
	for _, esx := range s.ESX {
		given(b, "esx", esx, nil)
	}
	for _, ds := range s.Stores {
		given(b, "datastore", ds, set(map[string]string{"local": s.Local[ds]}))
	}
	for _, vm := range s.VMs {
		given(b, "vm", vm, set(map[string]string{"bios": s.BIOS[vm], "esx": s.On[vm], "home": s.Homes[vm]}))
	}
}

// set is opts without those that have no value.
func set(opts map[string]string) map[string]string {
	maps.DeleteFunc(opts, func(_, value string) bool { return value == "" })
	return opts
}

// writeConduct writes how what there is behaves.
func (s *Script) writeConduct(b *strings.Builder) {
	if n := s.Network.words(); n != "" {
		b.WriteString("given network " + n + "\n")
	}
	if s.Locks != explore.Barging {
		b.WriteString("given locks " + s.Locks.String() + "\n")
	}
	for _, q := range sortedKeys(s.Quirks) {
		fmt.Fprintf(b, "given quirk %s=%s\n", q, map[bool]string{true: "on", false: "off"}[s.Quirks[q]])
	}
	if len(s.Latency) > 0 {
		b.WriteString(latencyText(s.Latency) + "\n")
	}
	if s.Recovery > 0 {
		b.WriteString(recoveryText(s.Recovery) + "\n")
	}
	if s.Every {
		b.WriteString("given steps " + stepsEvery + "\n")
	}
	if s.Fine {
		b.WriteString("given steps " + stepsFine + "\n")
	}
	if len(s.Crashes) > 0 {
		b.WriteString("given crashes " + strings.Join(s.Crashes, ",") + "\n")
	}
	if s.Faults > 0 {
		fmt.Fprintf(b, "given faults %d\n", s.Faults)
	}
}
