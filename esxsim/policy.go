package esxsim

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// PolicyStore is what a [Store] can do besides if it keeps the vSAN policies of its datastores (docs/original.md §2.5).
// Otherwise the service keeps those of [Config.VSAN] in memory.
type PolicyStore interface {
	// Policies returns the content of each policy by name; false if the datastore is not vSAN.
	Policies(ctx context.Context, datastore string) (map[string]string, bool, error)
	// SetPolicy makes or replaces a policy.
	SetPolicy(ctx context.Context, datastore, name, content string) error
	// DropPolicy deletes a policy. ErrNotExist.
	DropPolicy(ctx context.Context, datastore, name string) error
}

// memPolicies are the policies of vSAN datastores in memory.
type memPolicies struct {
	mu     *guard
	byName map[string]map[string]string // by datastore
}

// newMemPolicies copies the names of the config, which have no content.
func newMemPolicies(vsan map[string][]string, mu *guard) memPolicies {
	p := memPolicies{mu, make(map[string]map[string]string)}
	for _, ds := range slices.Sorted(maps.Keys(vsan)) {
		p.byName[ds] = make(map[string]string)
		for _, name := range vsan[ds] {
			p.byName[ds][name] = ""
		}
	}
	return p
}

// Policies implements [PolicyStore].
func (p memPolicies) Policies(_ context.Context, datastore string) (map[string]string, bool, error) {
	p.mu.lock()
	defer p.mu.unlock()
	found, ok := p.byName[datastore]
	return maps.Clone(found), ok, nil
}

// SetPolicy implements [PolicyStore].
func (p memPolicies) SetPolicy(_ context.Context, datastore, name, content string) error {
	p.mu.lock()
	defer p.mu.unlock()
	p.byName[datastore][name] = content
	return nil
}

// DropPolicy implements [PolicyStore].
func (p memPolicies) DropPolicy(_ context.Context, datastore, name string) error {
	p.mu.lock()
	defer p.mu.unlock()
	delete(p.byName[datastore], name)
	return nil
}

// knownPolicies returns the vSAN policies of a datastore, sorted; nil if it is not vSAN.
func (s *Service) knownPolicies(ctx context.Context, datastore string) []string {
	if s.policies == nil { // on the way of every create that an explorer runs
		return nil
	}
	found, vsan, err := s.policies.Policies(ctx, datastore)
	if err != nil {
		s.log.Warn("policies not read", "host", s.cfg.Host, "datastore", datastore, "err", err)
	}
	if !vsan {
		return nil
	}
	return append([]string{}, slices.Sorted(maps.Keys(found))...)
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
