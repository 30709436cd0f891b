package scenarios

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// What can crash as a fault of a search, beside what clients do: the plugin or the power of the VM that is asked, or the
// service of the ESX host it is on. Each comes up again at once.
const (
	crashPlugin = pluginProcess
	crashESX    = esxName
	crashVM     = "vm"
)

// crashPrefix begins the name of such a fault; what crashes follows.
const crashPrefix = "crash-"

// crashTask begins the name of the task that does it; the client's name follows.
const crashTask = "crash:"

// givenCrashes is what may crash.
func (p *parser) givenCrashes(rest string) error {
	known := []string{crashESX, crashPlugin, crashVM}
	for what := range strings.SplitSeq(rest, ",") {
		switch {
		case what == "":
			return errors.New("want given crashes plugin,esx,vm, or some of them")
		case !slices.Contains(known, what):
			return unknown("crash", what, known...)
		case slices.Contains(p.s.Crashes, what):
			return errors.New(what + " is there twice")
		}
		p.s.Crashes = append(p.s.Crashes, what)
	}
	slices.Sort(p.s.Crashes)
	p.row.text = "given crashes " + strings.Join(p.s.Crashes, ",")
	return nil
}

// dockerFaults are what can happen to a request of Docker's.
func (s *Script) dockerFaults() []string {
	faults := []string{goneFault}
	for _, what := range s.Crashes {
		faults = append(faults, crashPrefix+what)
	}
	return faults
}

// crashes reports whether something may crash as a fault.
func (s *Script) crashes(what string) bool { return slices.Contains(s.Crashes, what) }

// strike starts the task that lets something crash and come up again. By default it runs when the request first waits,
// and under other schedules at any moment, also when the request is over.
func (w *World) strike(what string, h *host, call *Call) {
	name := crashTask + call.Client
	w.docker.Go(name, func() {
		ctx := context.Background()
		switch what {
		case crashPlugin:
			w.disrupt("plugin.crash", h.name)
			h.crash()
			w.disrupt("plugin.restart", h.name)
			if h.down.is() && !h.off.is() { // else somebody else has started it
				h.boot()
			}
		case crashESX:
			e := h.site()
			e.crash(ctx)
			if !e.failed.is() {
				e.restart(ctx)
			}
		case crashVM:
			// Neither can fail but where the host has failed, and then the VM stays off.
			_ = h.powerOff(ctx)
			_ = h.powerOn(ctx)
		}
	})
}
