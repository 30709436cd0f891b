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
// nothing else can. The empty schedule is therefore the sequential run.
//
// Invariants:
//
//   - The same program and the same deviations give the same events, and so the same [Result.Hash], in every process.
//   - Every decision that differs from the default is recorded, exactly once, in [Result.Deviations].
//   - A task of a crashed world never acts again: each of its yields panics, in deferred code too, and its unlocks do
//     nothing.
//   - A panic in a task is that run's failure, with its stack; it does not reach the caller.
//
// A program is two clients and a check:
//
//	r := explore.NewRunner()
//	defer r.Close()
//	report := r.Search(explore.Search{Strategy: explore.Random(7), Schedules: 1000}, func(k *explore.Kernel) {
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
