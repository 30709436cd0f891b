package esxsim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
)

// Config describes one simulated ESX host. Env, Store and Bus are required.
type Config struct {
	Env   seam.Env
	Stage seam.Stage // nil: nothing is scheduled and nothing fails
	Store Store
	Bus   Bus

	// Serial says that only one task runs at a time and that a section without a yield is one step, as under the
	// schedule explorer. The service then spares the monitors of its short tables, each of which would be a yield.
	Serial bool

	// SharedStore says that other hosts use the Store, too. Then they see metadata that is being written: the service
	// stops at the checkpoints esx.meta.*, which otherwise come with EveryStep alone.
	SharedStore bool

	// EveryStep lets a schedule stop at the checkpoints that only read or decide, too, see [Checkpoints].
	EveryStep bool

	// VSAN has the datastores that are vSAN, each with the names of its policies, unless the Store is a [PolicyStore]. It
	// is not changed.
	VSAN map[string][]string

	// Latency is how long the commands take, beside what they wait for; create and clone can take minutes. It is not
	// changed.
	Latency map[wire.Command]time.Duration

	// Ended, if set, is called in a task of the service when its process ends by itself (quirks detach-fault-ends and
	// config-restarts). Whoever gives it ends what the service executes, and starts it again or not, see [Watchdog]. It may
	// not yield.
	Ended func()

	// DefaultDatastore is that of vmgroup _DEFAULT while Groups is nil or not configured; "" is "_VM_DS", the caller's home
	// datastore.
	DefaultDatastore string
	Groups           Authority    // the config database; nil: there is none
	Quirks           Quirks       // switches that differ from their default
	Version          string       // answer to "version"; "" is "N/A"
	Host             string       // name of the ESX host, for logs; "" is "esx1"
	Memo             *Memo        // shared by successive services of one explorer; nil: a new one
	Log              *slog.Logger // nil: discard
}

// Service is the vmdk_ops service of one ESX host with the VMs that run there. It is safe for concurrent use.
type Service struct {
	cfg      Config // complete
	everyone group  // without a config database
	env      seam.Env
	stage    seam.Stage
	witness  witness // the stage, if it is one
	store    Store
	bus      Bus
	log      *slog.Logger
	quirk    switches
	policies PolicyStore // nil: no datastore is vSAN
	copying  Copying     // the store, if a clone can be seen in the making
	// snapshots is the store, if disks have snapshots there.
	snapshots Snapshots

	// The faults that a schedule may choose; slices made once.
	failOnly, failOrBusy, failOrFile []string
	null                             []byte // the reply of success; made once, too

	locks, vmLocks locks // of volumes, and of VMs: no volume is called as a VM

	mu    guard               // short sections; nothing waits while holding it
	vms   map[string]*machine // by ID
	asked *machine            // of vms, who was looked for last; nil if nobody was since vms changed
	uuids map[string]*machine // the same, by the uuid that metadata records

	process  *process
	first    process
	room     room
	listener listener
	sidecars sidecars
	// emptied counts those who have emptied the cache of datastores (quirk datastore-cache-race).
	emptied int
	memo    *Memo
}

// New makes a service without VMs. It starts nothing.
func New(cfg Config) (*Service, error) {
	s := &Service{}
	if err := s.Reset(cfg); err != nil {
		return nil, err
	}
	return s, nil
}

// Reset makes s what [New] makes of cfg, in memory that s has already: an explorer makes one service after another. Nobody
// may use what s was before, nor another service that one of its VMs has moved to. After an error s is as it was.
func (s *Service) Reset(cfg Config) error {
	switch {
	case cfg.Env == nil:
		return errors.New("esxsim: config without Env")
	case cfg.Store == nil:
		return errors.New("esxsim: config without Store")
	case cfg.Bus == nil:
		return errors.New("esxsim: config without Bus")
	}
	quirk, err := cfg.Quirks.resolve()
	if err != nil {
		return err
	}
	if cfg.Stage == nil {
		cfg.Stage = seam.Quiet{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Version == "" {
		cfg.Version = "N/A"
	}
	if cfg.Host == "" {
		cfg.Host = "esx1"
	}
	known, err := cfg.Store.Datastores(context.Background())
	if err != nil {
		return fmt.Errorf("esxsim: datastores: %w", err)
	}
	if err := checkVSAN(cfg.VSAN, known); err != nil {
		return err
	}
	switch {
	case cfg.DefaultDatastore == "":
		cfg.DefaultDatastore = HomeDatastore
	case cfg.DefaultDatastore != HomeDatastore && !slices.Contains(known, cfg.DefaultDatastore):
		return fmt.Errorf("esxsim: unknown default datastore %q", cfg.DefaultDatastore)
	}
	if cfg.Memo == nil {
		cfg.Memo = new(Memo)
	}
	s.room.empty()
	*s = Service{
		cfg: cfg, env: cfg.Env, stage: cfg.Stage, store: cfg.Store, bus: cfg.Bus, log: cfg.Log,
		quirk:    quirk,
		failOnly: s.failOnly, failOrBusy: s.failOrBusy, failOrFile: s.failOrFile, null: s.null,
		vms:   cleared(s.vms),
		uuids: cleared(s.uuids),
		locks: s.locks.renewed(cfg.Env, cfg.Serial), vmLocks: s.vmLocks.renewed(cfg.Env, cfg.Serial),
		memo: cfg.Memo,
		room: s.room,
	}
	if s.failOnly == nil {
		s.failOnly = []string{faultFail}
		s.failOrBusy = []string{faultFail, faultInTask}
		s.failOrFile = []string{faultFail, faultFileBusy}
		s.null = wire.AppendNull(nil)
	}
	s.process = &s.first
	if cfg.SharedStore || cfg.EveryStep || quirk.has(diskLibUnlocked) {
		s.openSidecars()
	}
	s.everyone = group{
		Vmgroup: Vmgroup{UUID: DefaultVmgroupUUID, Name: DefaultVmgroup, DefaultDatastore: cfg.DefaultDatastore},
		files:   s.store, locks: DefaultVmgroup,
	}
	s.mu = newGuard(cfg.Env, cfg.Serial, "esx.vms")
	s.witness, _ = cfg.Stage.(witness)
	if s.locks.race = quirk.has(lockTableRace); s.locks.race || cfg.EveryStep {
		s.locks.look = func(name string) {
			s.stage.Before("esx.lock.new", name)
			s.env.Touch("locks", true)
		}
	}
	s.vmLocks.race, s.vmLocks.look = s.locks.race, s.locks.look
	if policies, ok := cfg.Store.(PolicyStore); ok {
		s.policies = policies
	} else if len(cfg.VSAN) > 0 {
		s.policies = newMemPolicies(cfg.VSAN, &s.mu)
	}
	if copying, ok := cfg.Store.(Copying); ok {
		s.copying = copying
	}
	if snapshots, ok := cfg.Store.(Snapshots); ok {
		s.snapshots = snapshots
	}
	return nil
}

// Handle executes one request text of the VM with the given [VM.ID] and returns the reply text, both without frame. It
// answers whatever the request is, and does not panic. A done ctx ends the wait for a lock; work that has begun is
// finished. The reply is nil, which is none, if the process has ended by itself, and without quirk orphans-run-on if ctx was
// done before the work began.
func (s *Service) Handle(ctx context.Context, vm string, request []byte) (reply []byte) {
	return s.execute(ctx, vm, request)
}
