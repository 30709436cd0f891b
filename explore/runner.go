package explore

// Program sets up one run: worlds, clients and oracles. It runs before the first step and must not yield.
type Program func(k *Kernel)

// Options bound and observe a run.
type Options struct {
	// MaxSteps ends a run as a livelock; 0 means 100,000.
	MaxSteps int
	// Faults is how many faults, early timers included, one run may have.
	Faults int
	// Record asks for the deviations of runs that do not fail, too.
	Record bool
	// Locks says how monitors are handed on.
	Locks LockModel
	// Records says that an object by whose name a step makes a monitor is the record under which others find that monitor:
	// the first who wants it makes the record, and the last one forgets it. To come and go then commutes, because from now
	// on a task yields also before it takes a monitor that it has made in the same step, if that has a record. Of a program
	// that forgets a record while others hold or await its monitor, a reduced search sees that this happens, but not all
	// that comes of it.
	Records bool
	// Watchdog, if set, reports a step that does not end.
	Watchdog *Watchdog
	// Observe sees every event; nil costs nothing.
	Observe func(Event)
	// Stop, if set, is asked before each of the runs of Minimize and Explain; true ends them with what they have.
	Stop func() bool

	// unhashed lets Result.Hash wait until somebody asks for it, or for ever if somebody observes the run. It is not on threads.
	unhashed bool
}

func (o *Options) stopped() bool { return o.Stop != nil && o.Stop() }

// Result is what one run did.
type Result struct {
	Failure    *Failure // nil if no oracle objected
	Abandoned  bool     // the strategy gave the run up before its end
	Hash       Hash     // of every event
	Outside    Hash     // of what each task showed outside, whatever the order among tasks
	Steps      int
	Departures int         // how many deviations there were
	Deviations []Deviation // in the order in which they happened; only of failures, or if asked for
}

// rootName stands in schedules for the moment before the first task.
const rootName = "set-up"

// Runner executes programs, one run at a time, and keeps what runs have in common. Use from one goroutine.
type Runner struct {
	k     Kernel
	pulse *pulse // of the last watchdog

	nursery *nursery // of threads; nil with coroutines, and once closed
	log     eventLog // of the last run, if that was unhashed
}

// NewRunner makes a runner; Close frees its coroutines.
func NewRunner() *Runner { return newRunner(newCoroutine, false) }

// NewThreads makes a runner whose tasks are goroutines, one of which runs at a time. It is several times slower, and
// takes the same steps under the same schedules; with the race detector it reports the data races of the program.
func NewThreads() *Runner {
	n := newNursery()
	r := newRunner(n.newThread, true)
	r.nursery = n
	return r
}

func newRunner(w func(*Kernel) *worker, threads bool) *Runner {
	return &Runner{k: Kernel{
		makeWorker: w, threads: threads,
		clock: &Task{name: clockName, index: clockIndex, cause: none, state: done}, root: &Task{name: rootName, state: done},
	}}
}

// Threads reports whether NewThreads made the runner.
func (r *Runner) Threads() bool { return r.k.threads }

// Close ends the runner's coroutines.
func (r *Runner) Close() {
	if r.k.threads {
		for _, w := range r.k.free {
			w.stop()
		}
		r.k.free = nil
	}
	if r.nursery != nil {
		r.nursery.close()
		r.nursery = nil
	}
	r.k.dismiss()
	r.watch(nil)
}

// watch lets the next run be watched.
func (r *Runner) watch(w *Watchdog) *pulse {
	if r.pulse != nil && r.pulse.owner != w {
		r.pulse.owner.detach(r.pulse)
		r.pulse = nil
	}
	if r.pulse == nil && w != nil {
		r.pulse = w.attach(&r.k)
	}
	return r.pulse
}

// Run executes the program once under the strategy, as its run number n.
func (r *Runner) Run(p Program, s Strategy, n int, o Options) Result {
	if o.MaxSteps == 0 {
		o.MaxSteps = 100_000
	}
	k := &r.k
	*k = Kernel{
		makeWorker: k.makeWorker, threads: k.threads, unobserved: k.unobserved[:0],
		deadlines: k.deadlines, monitors: k.monitors, worlds: k.worlds,
		options: o, strategy: s, free: k.free, resting: k.resting[:0], seats: k.seats, spare: append(k.spare, k.tasks...), tasks: k.tasks[:0], live: k.live[:0],
		enabled: k.enabled[:0], clock: k.clock, root: k.root, current: k.root, timers: k.timers[:0], faults: o.Faults, hash: NewHash(),
		deviations: k.deviations[:0], time: epoch, atStep: k.atStep[:0], always: true, atEnd: k.atEnd[:0], footprint: k.footprint[:0], taken: k.taken[:0],
		states: k.states[:0], expiries: k.expiries, identities: k.identities, answered: k.answered, stuck: k.stuck[:0], records: k.records[:0],
	}
	if o.unhashed && o.Observe == nil {
		r.log = eventLog{r.log.lines[:0], r.log.others[:0]}
		k.log = &r.log
	}
	k.shut.holder, k.wary = k.root, o.Locks == GoMutex
	k.watcher, _ = s.(Watcher)
	_, blind := s.(blind)
	k.notes = k.watcher != nil && !blind
	k.footprints = k.notes || o.Records
	k.denied, _ = s.(denier)
	if p, ok := s.(postponer); ok {
		k.strict = p.postpones()
	}
	if p, ok := s.(passer); ok && o.Faults == 0 && !k.threads { // or else the clock may move wherever a task gives way; threads ask no strategy
		k.passer = p
	}
	if c, ok := s.(collector); ok && c.collects() && !k.threads { // the map would look like a data race
		k.collector = c
	}
	if p := r.watch(o.Watchdog); p != nil {
		k.pulse = p
		p.flag.Store(false)
		p.running.Store(true)
		defer p.running.Store(false)
	}
	s.Begin(n)
	if p, ok := s.(repeater); ok && !k.threads {
		k.repeat(p)
	}
	p(k)
	k.loop()
	res := Result{Failure: k.failure, Abandoned: k.abandoned, Hash: k.hash, Outside: k.outside, Steps: k.steps, Departures: len(k.deviations)}
	if k.failure != nil || o.Record {
		res.Deviations = k.materialize()
	}
	k.unwind()
	k.settle()
	k.free, k.resting = append(k.free, k.resting...), k.resting[:0]
	return res
}
