package scenarios

import (
	"errors"
	"fmt"
	"slices"
)

// errDirect says why a direct network and a fault do not go together.
var errDirect = errors.New("given network direct: who sends a request carries it, so that nothing can happen to it on its way: leave out the faults, or that line")

// directly objects to what a direct network cannot be part of: whatever can part a request from who sends it.
func (s *Script) directly() error {
	if !s.Direct {
		return nil
	}
	alone := Network{Direct: true}
	switch {
	case s.words() != alone.words():
		return errors.New("given network direct: that network has no other properties")
	case s.Faults > 0 || len(s.Crashes) > 0 || faultsIn(s.Schedule) > 0:
		return errDirect
	case len(s.Latency) > 0:
		return errors.New("given network direct: a command that takes long can be given up on its way: leave out given latency, or that line")
	case s.Recovery > 0 || len(s.ESX) > 0 || s.mayEnd():
		return errors.New("given network direct: it is for one ESX host that lives as long as the run, and drivers that do not recover")
	}
	calls := []string{"create", "remove", "mount", "unmount", "get", "list", "path", "write", "read", "sync"}
	for _, c := range s.Clients {
		for _, o := range c.Ops {
			if !slices.Contains(calls, o.Verb) {
				return fmt.Errorf("given network direct: %s is nothing that Docker or a container asks for: leave out one of them", o.Verb)
			}
		}
	}
	return nil
}

// bears reports whether the script's world can have so many faults.
func (s *Script) bears(faults int) error {
	if s.Direct && faults > 0 {
		return errDirect
	}
	return nil
}
