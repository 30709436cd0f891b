package explore_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// shown is what one run showed the outside: what each client was answered, and which answers came before which calls.
type shown struct {
	answers string
	before  []string // "a<b", sorted
}

// shows reports whether s has all that o has.
func (s shown) shows(o shown) bool {
	if s.answers != o.answers {
		return false
	}
	for _, b := range o.before {
		if _, found := slices.BinarySearch(s.before, b); !found {
			return false
		}
	}
	return true
}

// tally is what the outside sees of a program while it runs.
type tally struct {
	done  []string
	shown shown
	log   []string
}

func (l *tally) call(k *explore.Kernel, op string) {
	k.Call(op)
	for _, d := range l.done {
		l.shown.before = append(l.shown.before, d+"<"+op)
	}
}

func (l *tally) answer(k *explore.Kernel, op, text string) {
	k.Return(op + " " + text)
	l.done = append(l.done, op)
	l.log = append(l.log, op+" "+text)
}

func (l *tally) end() shown {
	slices.Sort(l.log)
	slices.Sort(l.shown.before)
	l.shown.answers = strings.Join(l.log, ";")
	return l.shown
}

// paced has clients that pause before each call, and a table of locks whose records come and go.
func paced(clients [][]act) func(k *explore.Kernel, final func(shown)) {
	return func(k *explore.Kernel, final func(shown)) {
		w := k.World("w")
		table := w.NewMonitor("table")
		type record struct {
			lock  seam.Monitor
			users int
		}
		records := map[string]*record{}
		vars, l, ctx := [2]int{}, &tally{}, context.Background()
		for i, acts := range clients {
			k.Client(fmt.Sprintf("c%d", i), w, func() {
				locked := func(ctx context.Context, key string, f func()) (err error) {
					_ = table.Lock(context.Background())
					r := records[key]
					w.Touch(key, r == nil)
					if r == nil {
						r = &record{lock: w.NewMonitor(key)}
						records[key] = r
					}
					r.users++
					table.Unlock()
					if err = r.lock.Lock(ctx); err == nil {
						f()
						r.lock.Unlock()
					}
					_ = table.Lock(context.Background())
					r.users--
					w.Touch(key, r.users == 0)
					if r.users == 0 {
						delete(records, key)
					}
					table.Unlock()
					return err
				}
				for n, a := range acts {
					k.Before("call", "x")
					op := fmt.Sprint(i, n)
					l.call(k, op)
					name, text := fmt.Sprint("var", a.object), ""
					switch a.kind {
					case 0: // one more, under a lock
						_ = locked(ctx, fmt.Sprint("v", a.object), func() {
							k.Before("act", name)
							w.Touch(name, true)
							vars[a.object]++
							text = fmt.Sprint(vars[a.object])
							if a.object == 0 {
								k.Before("act", "more")
							}
						})
					case 1: // look, without a lock
						k.Before("look", name)
						w.Touch(name, false)
						text = fmt.Sprint(vars[a.object])
					case 2: // look at one and then at the other
						k.Before("look", "var0")
						w.Touch("var0", false)
						text = fmt.Sprint(vars[0])
						k.Before("look", "var1")
						w.Touch("var1", false)
						text += fmt.Sprint(vars[1])
					case 3: // nothing
					case 4: // what others may do first
						k.Before("send", "x")
						if k.Choose("send", "x", "lose") == 1 {
							text = "lost"
							break
						}
						w.Touch(name, true)
						vars[a.object] += 10
					case 5: // only look under the lock
						_ = locked(ctx, fmt.Sprint("v", a.object), func() {
							w.Touch(name, false)
							text = fmt.Sprint(vars[a.object])
						})
					case 6: // in time, or not
						end, cancel := w.WithDeadline(ctx, w.Now().Add(1))
						err := locked(end, fmt.Sprint("v", a.object), func() {
							k.Before("act", name)
							w.Touch(name, true)
							vars[a.object]++
						})
						cancel()
						text = fmt.Sprint(err)
					}
					l.answer(k, op, text)
				}
			})
		}
		k.AtEnd(func() { final(l.end()) })
	}
}

func drawPaced(seed int) [][]act {
	return rapid.Custom(func(t *rapid.T) [][]act {
		clients := make([][]act, rapid.IntRange(2, 3).Draw(t, "clients"))
		budget := 4
		for i := range clients {
			for range min(rapid.IntRange(1, 2).Draw(t, "n"), budget) {
				clients[i] = append(clients[i], act{rapid.IntRange(0, 6).Draw(t, "kind"), rapid.IntRange(0, 1).Draw(t, "object")})
				budget--
			}
		}
		return clients
	}).Example(seed)
}

// histories runs a search to its end and returns what its runs showed; nil if the end is too far away.
func histories(t require.TestingT, dfs *explore.Exhaustive, o explore.Options, program func(k *explore.Kernel, final func(shown))) ([]shown, int) {
	r := explore.NewRunner()
	defer r.Close()
	var all []shown
	seen := map[string]bool{}
	run := func(k *explore.Kernel) {
		program(k, func(s shown) {
			if key := fmt.Sprint(s); !seen[key] {
				seen[key] = true
				all = append(all, s)
			}
		})
	}
	n := 0
	for dfs.More() {
		if n > mostRuns {
			return nil, n
		}
		n++
		res := r.Run(run, dfs, n, o)
		require.Nil(t, res.Failure)
		if !res.Abandoned {
			more, again := r.Strict(run, dfs, res, o, nil)
			require.Nil(t, again.Failure, "%+v", again.Failure)
			n += more
		}
	}
	return all, n
}

// strictPrograms is how many programs are compared: enough to notice each of the reductions made wrong.
func strictPrograms() int {
	if n, err := strconv.Atoi(os.Getenv("VMDKVOL_STRICT")); err == nil {
		return n
	}
	return shortly(40)
}

// TestStrictSearchShowsTheMostOfAll: whatever a plain search shows, a strict one shows it or more, and nothing else.
func TestStrictSearchShowsTheMostOfAll(t *testing.T) {
	compared, plainly, strictly := 0, 0, 0
	for seed := 0; compared < strictPrograms(); seed++ {
		o := explore.Options{Faults: seed % 2, Records: true}
		clients := drawPaced(seed)
		plain, ps := histories(t, explore.NewExhaustive(true), o, paced(clients))
		if plain == nil {
			continue
		}
		compared++
		strict, rs := histories(t, explore.NewStrict(), o, paced(clients))
		for _, p := range plain {
			require.True(t, slices.ContainsFunc(strict, func(s shown) bool { return s.shows(p) }), "program %v: nobody shows %v, but %v", clients, p, strict)
		}
		for _, s := range strict {
			require.True(t, slices.ContainsFunc(plain, func(p shown) bool { return p.shows(s) && s.shows(p) }), "program %v: %v", clients, s)
		}
		plainly, strictly = plainly+ps, strictly+rs
	}
	require.Less(t, 20*strictly, plainly)
}

// TestStrictSearchKeepsWhoWaits: k has been called, and waits for what j begins with; j ends with what i begins with. That k
// can be answered before i is called shows only if j is called first.
func TestStrictSearchKeepsWhoWaits(t *testing.T) {
	program := func(k *explore.Kernel, final func(shown)) {
		w := k.World("w")
		l := &tally{}
		x, y, z := 0, 0, 0
		op := func(name string, f func() string) {
			k.Before("call", name)
			l.call(k, name)
			l.answer(k, name, f())
		}
		read := func(name string, v *int) string {
			k.Before("read", name)
			w.Touch(name, false)
			return fmt.Sprint(*v)
		}
		write := func(name string, v *int) string {
			k.Before("write", name)
			w.Touch(name, true)
			*v = 1
			return ""
		}
		k.Client("k", w, func() {
			op("k", func() string {
				write("z", &z)
				return read("x", &x)
			})
		})
		k.Client("j", w, func() {
			op("j0", func() string { return read("z", &z) })
			op("j", func() string {
				write("x", &x)
				return read("y", &y)
			})
		})
		k.Client("i", w, func() { op("i", func() string { return write("y", &y) }) })
		k.AtEnd(func() { final(l.end()) })
	}
	plain, _ := histories(t, explore.NewSleepSets(), explore.Options{}, program)
	strict, _ := histories(t, explore.NewStrict(), explore.Options{}, program)
	for _, p := range plain {
		require.True(t, slices.ContainsFunc(strict, func(s shown) bool { return s.shows(p) }), "nobody shows %v, but %v", p, strict)
	}
}

// TestWhoMakesARecordPausesBeforeHeTakesItsLock: when the second call of two under a lock is made later than it was, its client
// makes the record that it found, and if that were one step with taking the lock, the order could not be run.
func TestWhoMakesARecordPausesBeforeHeTakesItsLock(t *testing.T) {
	underLock, look := act{0, 1}, act{1, 1}
	all, _ := histories(t, explore.NewStrict(), explore.Options{Records: true}, paced([][]act{{underLock}, {look}, {underLock}}))
	require.NotEmpty(t, all)
}

// TestOnlyAnOrderThatLooksLikeTheRunIsSpared: of two calls that have nothing to do with each other, the second one may as well be made
// and answered first. Whoever judges need not see that, unless what the first one wrote is then not there yet.
func TestOnlyAnOrderThatLooksLikeTheRunIsSpared(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	for _, tc := range []struct {
		name         string
		write, spare bool
		runs         int
	}{
		{"reads, spared", false, true, 0},
		{"reads", false, false, 1},
		{"writes, spared", true, true, 1},
		{"writes", true, false, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			program := func(k *explore.Kernel) {
				w := k.World("w")
				for _, name := range []string{"a", "b"} {
					k.Client(name, w, func() {
						k.Before("call", name)
						k.Call(name)
						k.Before("work", name)
						w.Touch(name, tc.write)
						k.Return(name)
					})
				}
			}
			dfs, asked := explore.NewStrict(), 0
			require.True(t, dfs.More())
			res := r.Run(program, dfs, 0, explore.Options{})
			runs, again := r.Strict(program, dfs, res, explore.Options{}, func(run, order explore.Order) bool {
				asked++
				require.True(t, run.Before(0, 1))
				require.True(t, order.Before(1, 0))
				return tc.spare
			})
			require.Nil(t, again.Failure)
			require.Equal(t, tc.runs, runs)
			require.Equal(t, !tc.write, asked > 0)
		})
	}
}
