package explore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/explore"
)

// restarting is a server with a journal that outlives it: it writes "begin" and "end" around every job under a lock, and
// a new server, after a crash, finishes what it finds begun.
func restarting(clients int) func(k *explore.Kernel, final func(string)) {
	return func(k *explore.Kernel, final func(string)) {
		disk := k.World("disk")
		var journal []string // durable
		var server *explore.World
		var serve func(job string)
		start := func(name string) {
			w := k.World(name)
			m := w.NewMonitor("jobs")
			server = w
			write := func(line string) {
				k.Before("write", "journal")
				disk.Touch("journal", true)
				journal = append(journal, line)
			}
			serve = func(job string) {
				_ = m.Lock(context.Background())
				defer m.Unlock()
				defer func() { write("rollback " + job) }() // of a crashed server it never happens
				write("begin " + job)
			}
		}
		start("server")
		answered := make([]string, clients)
		for i := range clients {
			k.Client(fmt.Sprintf("c%d", i), disk, func() {
				s := server
				f := serve
				k.Before("call", "server")
				answered[i] = fmt.Sprint(!s.Within(func() { f(fmt.Sprint(i)) }))
			})
		}
		k.Client("crash", disk, func() {
			server.Crash()
			start("server again")
			server.Go("recover", func() {
				k.Before("read", "journal")
				disk.Touch("journal", true)
				journal = append(journal, "recovered")
			})
		})
		k.AtEnd(func() { final(strings.Join(journal, ",") + fmt.Sprint(answered)) })
	}
}

func TestRestartOnTheSameState(t *testing.T) {
	finals, _ := all(t, false, explore.Options{}, restarting(1))
	require.Contains(t, finals, "begin 0,rollback 0,recovered[true]")
	require.Contains(t, finals, "begin 0,recovered[false]", "the crash kept the state, and no deferred code ran")
	require.Contains(t, finals, "recovered[false]")
	for f := range finals {
		require.False(t, strings.HasSuffix(f, "rollback 0[false]"), f)
		require.NotContains(t, f, "failure")
	}
}

// TestACrashCommutesWithNothing: a crash takes steps away from other tasks.
func TestACrashCommutesWithNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clients := rapid.IntRange(1, 2).Draw(t, "clients")
		plain, _ := all(t, true, explore.Options{}, restarting(clients))
		reduced, _ := all(t, false, explore.Options{}, restarting(clients))
		require.Equal(t, plain, reduced)
	})
}

func TestACrashRacesWithASection(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w, other := k.World("w"), k.World("other")
		m := w.NewMonitor("m")
		n := 0
		k.Client("c1", w, func() {
			_ = m.Lock(context.Background())
			w.Touch("n", true)
			n++
			m.Unlock()
		})
		k.Client("crash", other, w.Crash)
		k.AtEnd(func() { final(fmt.Sprint(n)) })
	}
	plain, _ := all(t, true, explore.Options{}, program)
	require.Len(t, plain, 2)
	reduced, _ := all(t, false, explore.Options{}, program)
	require.Equal(t, plain, reduced)
}
