package explore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
	"vmdkvol/explore"
	"vmdkvol/seam"
)

// crashKinds is the highest kind of an act of crashing.
const crashKinds = 14

// process is a world that crashes and begins again, in one of its lives.
type process struct {
	w  *explore.World
	m  seam.Monitor
	up bool
	n  int // in memory, guarded by m
}

// crashing has two servers, 0 and 1, whose clients live elsewhere: acts run in a server, beside it, or end its world, and
// what they write outlives it.
func crashing(clients [][]act) func(k *explore.Kernel, final func(string)) {
	return func(k *explore.Kernel, final func(string)) {
		docker := k.World("docker")
		disk := docker.NewMonitor("disk")
		store := ""
		write := func(what ...any) {
			docker.Touch("store", true)
			store += fmt.Sprint(what...)
		}
		var servers [2]*process
		boot := func(i int) *process {
			w := k.World(fmt.Sprint("server", i)) // the same name again
			servers[i] = &process{w: w, m: w.NewMonitor(fmt.Sprint("m", i)), up: true}
			return servers[i]
		}
		boot(0)
		boot(1)
		log := make([]string, len(clients))
		ctx := context.Background()
		for i, acts := range clients {
			k.Client(fmt.Sprint("c", i), docker, func() {
				for n, a := range acts {
					tag := fmt.Sprint(i, n)
					k.Call(tag)
					docker.Touch(fmt.Sprint("server", a.object), false)
					s := servers[a.object]
					other := servers[1-a.object]
					say := func(what ...any) {
						docker.Touch("log"+tag[:1], true) // the client's tasks do, too
						log[i] += fmt.Sprint(what...) + ","
					}
					add := func() {
						s.w.Touch(fmt.Sprint("n", a.object), true)
						s.n++
					}
					within := func(f func()) { say(s.w.Within(f)) }
					switch a.kind {
					case 0: // a call that writes under the server's lock
						within(func() {
							_ = s.m.Lock(ctx)
							defer s.m.Unlock()
							k.Before("write", "store")
							write(tag)
							k.Before("answer", tag)
							add()
						})
					case 1:
						k.Before("crash", tag)
						s.w.Crash()
					case 2: // and what comes after looks at what it finds
						k.Before("restart", tag)
						s.w.Crash()
						docker.Touch(fmt.Sprint("server", a.object), true)
						now := boot(a.object)
						now.w.Go("recover"+tag, func() {
							k.Before("recover", "store")
							docker.Touch("store", false)
							say("found ", store)
							_ = now.m.Lock(ctx)
							now.w.Touch(fmt.Sprint("n", a.object), true)
							now.n += 10
							now.m.Unlock()
						})
					case 3: // background work of the server
						within(func() {
							s.w.Go("work"+tag, func() {
								k.Before("work", "store")
								write("w", tag)
								_ = s.m.Lock(ctx)
								add()
								s.m.Unlock()
							})
						})
					case 4: // of nobody who crashes
						docker.Go("job"+tag, func() {
							k.Before("job", "store")
							write("j", tag)
						})
					case 5: // the client starts it in a world that is not its own
						s.w.Go("bare"+tag, func() { write("b", tag) })
					case 6: // a wait until a deadline
						within(func() {
							end, cancel := s.w.WithDeadline(ctx, s.w.Now().Add(time.Duration(1+a.object)))
							defer cancel()
							_ = s.m.Lock(ctx)
							defer s.m.Unlock()
							add()
							say(s.m.Wait(end), s.n)
						})
					case 7:
						within(func() {
							_ = s.m.Lock(ctx)
							add()
							s.m.Wake()
							s.m.Unlock()
						})
					case 8: // a lock that outlives the server: who crashes while it holds it keeps it
						within(func() {
							_ = disk.Lock(ctx)
							k.Before("disk", tag)
							write("d", tag)
							disk.Unlock()
						})
					case 9:
						_ = disk.Lock(ctx)
						write("D", tag)
						disk.Unlock()
					case 10: // what must not be undone after a crash
						within(func() {
							defer func() {
								k.Before("undo", "store")
								write("u", tag)
							}()
							k.Before("do", "store")
							write("o", tag)
						})
					case 11: // a crash is a fault
						k.Before("ask", tag)
						if k.Choose("ask", tag, "crash") == 1 {
							docker.Go("strike"+tag, s.w.Crash)
						}
						within(func() {
							k.Before("asked", tag)
							write("a", tag)
						})
					case 12: // one server asks the other
						within(func() {
							k.Before("forward", tag)
							say("other ", other.w.Within(func() {
								k.Before("write", "store")
								write("f", tag)
							}))
							k.Before("back", tag)
							write("B", tag)
						})
					case 13: // a server crashes the other one, or itself
						within(func() {
							s.w.Go("kill"+tag, func() {
								_ = s.m.Lock(ctx)
								k.Before("kill", tag)
								if n == 0 {
									other.w.Crash()
								} else {
									s.w.Crash()
								}
								s.m.Unlock()
							})
						})
					case 14: // a sleep under a lock
						within(func() {
							_ = s.m.Lock(ctx)
							_ = s.w.Sleep(ctx, time.Duration(1+a.object))
							write("s", tag)
							s.m.Unlock()
						})
					}
					k.Return(tag)
				}
			})
		}
		k.AtEnd(func() { final(fmt.Sprint(store, log, servers[0].n, servers[1].n)) })
	}
}

// drawCrashes draws a few acts, one of which crashes something.
func drawCrashes(seed int) [][]act {
	return rapid.Custom(func(t *rapid.T) [][]act {
		clients := make([][]act, rapid.IntRange(1, 3).Draw(t, "clients"))
		budget := 3
		for i := range clients {
			for range min(rapid.IntRange(1, 3).Draw(t, "n"), budget) {
				clients[i] = append(clients[i], act{rapid.IntRange(0, crashKinds).Draw(t, "kind"), rapid.IntRange(0, 1).Draw(t, "object")})
				budget--
			}
		}
		if last := len(clients) - 1; rapid.Bool().Draw(t, "crash") {
			clients[last] = append(clients[last], act{rapid.IntRange(1, 2).Draw(t, "kind"), 0})
		}
		return clients
	}).Example(seed)
}

func TestReducedSearchSeesWhatPlainSearchSeesOfCrashes(t *testing.T) {
	for _, o := range []explore.Options{{}, {Faults: 1}, {Locks: explore.GoMutex}, {Faults: 1, Locks: explore.GoMutex}} {
		t.Run(fmt.Sprint(o.Locks, " faults ", o.Faults), func(t *testing.T) {
			programsAgree(t, shortly(40), drawCrashes, crashing, o)
		})
	}
}

// TestWhatTheReducedSearchLostAtACrash has the least programs with which it once did.
func TestWhatTheReducedSearchLostAtACrash(t *testing.T) {
	for _, c := range []struct {
		name    string
		clients [][]act
		finals  int
	}{
		{"a task that had not begun is killed", [][]act{{{5, 0}, {1, 0}}}, 2},
		{"a task is killed before its effect", [][]act{{{3, 0}, {1, 0}}}, 3},
		{"a task ends its own world", [][]act{{{12, 0}, {13, 0}, {5, 0}}}, 2},
		{"who waited too long waits for a lock that goes down with its holder", [][]act{{{2, 0}, {13, 0}, {6, 0}}}, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := explore.Options{Faults: 1} // an early clock
			plain, _ := all(t, true, o, crashing(c.clients))
			require.Len(t, plain, c.finals)
			reduced, _ := all(t, false, o, crashing(c.clients))
			require.Equal(t, plain, reduced)
		})
	}
}

// TestWhatGoesOnAfterACrash: a client whose call did not live to answer goes on at once, in nobody's choice; what others do
// can come before both that and the crash.
func TestWhatGoesOnAfterACrash(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w, server := k.World("w"), k.World("server")
		x, seen, lived := 0, 0, false
		k.Client("caller", w, func() {
			lived = !server.Within(func() { k.Before("work", "a") })
			w.Touch("x", true)
			x++
		})
		k.Client("crash", w, func() {
			k.Before("crash", "server")
			server.Crash()
			k.Before("rest", "a")
		})
		k.Client("reader", w, func() {
			k.Before("read", "x")
			w.Touch("x", false)
			seen = x
		})
		k.AtEnd(func() { final(fmt.Sprint(lived, seen)) })
	}
	plain, _ := all(t, true, explore.Options{}, program)
	require.Len(t, plain, 4)
	reduced, _ := all(t, false, explore.Options{}, program)
	require.Equal(t, plain, reduced)

	_, f := audit(program, 1)
	require.Nil(t, f)
}

// TestACrashOfTheCallerOfACall: the callee lives and ends what it does; the caller is not there any more.
func TestACrashOfTheCallerOfACall(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		docker, plugin, esx := k.World("docker"), k.World("plugin"), k.World("esx")
		log := ""
		write := func(text string) {
			docker.Touch("log", true)
			log += text
		}
		k.Client("c", docker, func() {
			write(fmt.Sprint(plugin.Within(func() {
				crashed := esx.Within(func() {
					k.Before("attach", "disk")
					write("attached,")
				})
				write(fmt.Sprint("answered ", !crashed, ","))
				k.Before("mount", "disk")
				write("mounted,")
			}), ","))
		})
		k.Client("crash", docker, func() {
			k.Before("crash", "plugin")
			write("crash,")
			plugin.Crash()
		})
		k.AtEnd(func() { final(log) })
	}
	plain, _ := all(t, true, explore.Options{}, program)
	require.Equal(t, map[string]bool{
		"crash,true,":                                 true, // before the call
		"crash,attached,true,":                        true,
		"attached,answered true,crash,true,":          true,
		"attached,answered true,mounted,false,crash,": true,
	}, plain)
	reduced, _ := all(t, false, explore.Options{}, program)
	require.Equal(t, plain, reduced)
}
