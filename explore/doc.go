// Package explore runs concurrent code under a scheduler that owns every interleaving, searches the schedules for one
// that fails, shrinks it and replays it. It knows nothing of volumes: whoever takes locks, time and background work
// from a [seam.Env] can be explored.
//
// A [Runner] executes a [Program] once per call. The program starts clients; they and everything they start are tasks,
// and exactly one task runs at a time. A task gives way only at a yield point: before it takes a monitor, waits, sleeps
// or begins an effect that a simulator announced with [seam.Stage]. There a [Strategy] says who goes on.
//
// A schedule is the list of its deviations from the default schedule ([Deviation]). By default the current task goes
// on; if it waits, the task that holds what it waits for; then background tasks, oldest first, so that messages arrive
// in order; a client starts only when all earlier ones have finished; no fault happens; the clock moves only when
// nothing else can, to the next instant at which something ends, and then all that ends there has ended. The empty
// schedule is therefore the sequential run.
//
// The strategies: [Sequential] is the default schedule; [Random], [PCT], [POS] and [Delay] draw schedules, each run from
// a seed and its number; [Bounded] and [Exhaustive] enumerate them; [Replay] follows one; [Portfolio] mixes them, and is
// what to take when in doubt. [NewStrategy] makes them of their names. [Runner.Search] hunts with any of them,
// [Runner.Minimize] makes what it found small and proves that nothing smaller fails, [Runner.Explain] finds the nearest
// schedule that passes, and a [Coverage] says how much a search that found nothing is worth.
//
// [Exhaustive] leaves out what footprints say makes no difference, and [Runner.Audit] takes samples of whether they say the truth.
// Without faults it does not even stop at yields before which a step has done nothing that others could notice. [NewStrict] begins
// a search that also leaves out the orders of calls and answers that say less about the program than others do:
// [Runner.Strict] runs those others, but for an [Order] of which whoever judges says that it tells him nothing new.
//
// [Options] say how monitors are handed on ([LockModel]) and whether objects of their names are their records
// ([Options.Records]), and may name a [Watchdog] for code that blocks anywhere else.
//
// But for the watchdog the package uses one goroutine and no clock (with [NewThreads], one goroutine for each task): a
// search is bounded by a number of schedules. Whoever wants several cores gives each a Runner and a part of the run
// numbers, see [NextRound] and [InOrder]; the lowest number that fails is then the same as in one search.
//
// Invariants:
//
//   - The same program and the same deviations give the same events, and so the same [Result.Hash], in every process, whatever
//     strategy they come from: a replay stops where a reduced search did not, and goes on there.
//   - Run n of a strategy depends on its seed, n and the shape it was told, unless InOrder says that it goes on from others.
//   - Every decision that differs from the default is recorded, exactly once, in [Result.Deviations].
//   - A task of a crashed world never acts again: each of its yields panics, in deferred code too, and its unlocks do
//     nothing. Code that recovers that panic meets it again at its next yield; one that tries for ever is a failure.
//   - A panic in a task or an oracle is that run's failure, with its stack; it does not reach the caller. So is runtime.Goexit, which
//     t.FailNow calls: a test keeps what is wrong for later, or calls [Kernel.Fail].
//
// A program is two clients and a check:
//
//	r := explore.NewRunner()
//	defer r.Close()
//	report := r.Search(explore.Search{Strategy: explore.NewPortfolio(7), Schedules: 1000}, func(k *explore.Kernel) {
//		w := k.World("host")
//		m := w.NewMonitor("counter")
//		n := 0
//		for _, name := range []string{"c1", "c2"} {
//			k.Client(name, w, func() { read(m, &n); write(m, &n) })
//		}
//		k.AtEnd(func() {
//			if n != 2 {
//				k.Fail("lost update", fmt.Sprint(n))
//			}
//		})
//	})
package explore
