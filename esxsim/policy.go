package esxsim

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// policies returns the vSAN policies of a datastore, sorted; nil if it is not vSAN.
func (s *Service) policies(datastore string) []string {
	names, ok := s.cfg.VSAN[datastore]
	if !ok {
		return nil
	}
	names = append([]string{}, names...)
	slices.Sort(names)
	return names
}

// checkPolicy is the rule of option vsan-policy-name (docs/original.md §2.6).
func checkPolicy(name string, known []string) (fault string) {
	switch {
	case known == nil:
		return "Cannot use a VSAN policy on a non-VSAN datastore"
	case slices.Contains(known, name):
		return ""
	case len(known) == 0:
		return "Policy " + name + " does not exist."
	default:
		return "Policy " + name + " does not exist. Available policies are: " + reprList(known)
	}
}

// setPolicy gives the new disk its policy, if one is asked for; else there is no such step.
func (s *Service) setPolicy(ctx context.Context, c *call) (fault string) {
	if _, ok := c.opts[optPolicy]; !ok || !s.fails("esx.create.policy", c.volume) {
		return ""
	}
	return s.undo(ctx, c, "Failed to create volume "+c.volume+": "+generalFault)
}

func checkVSAN(vsan map[string][]string, known []string) error {
	if len(vsan) == 0 { // on the way of every world that an explorer builds
		return nil
	}
	for _, datastore := range slices.Sorted(maps.Keys(vsan)) {
		if !slices.Contains(known, datastore) {
			return fmt.Errorf("esxsim: unknown vSAN datastore %q", datastore)
		}
	}
	return nil
}
