package explore_test

import (
	"context"
	"flag"
	"fmt"

	"pgregory.net/rapid"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// counters counts by key. Its lock guards the map, but Add lets go of it between reading and writing.
type counters struct {
	lock seam.Monitor
	of   map[string]int
}

func (c *counters) Add(key string) {
	n := c.get(key)
	_ = c.lock.Lock(context.Background())
	defer c.lock.Unlock()
	c.of[key] = n + 1
}

func (c *counters) get(key string) int {
	_ = c.lock.Lock(context.Background())
	defer c.lock.Unlock()
	return c.of[key]
}

// adding is a program: one client for each list of keys, which it adds to; all must have been counted in the end.
func adding(clients [][]string) explore.Program {
	return func(k *explore.Kernel) {
		w := k.World("host")
		c := &counters{lock: w.NewMonitor("counters"), of: map[string]int{}}
		want := map[string]int{}
		for i, keys := range clients {
			k.Client(fmt.Sprintf("c%d", i+1), w, func() {
				for _, key := range keys {
					want[key]++
					c.Add(key)
				}
			})
		}
		k.AtEnd(func() {
			if fmt.Sprint(c.of) != fmt.Sprint(want) {
				k.Fail("lost", fmt.Sprint(c.of, " instead of ", want))
			}
		})
	}
}

// A client of the package finds the race in a counter with keys, and shows the least that leads to it.
func Example() {
	r := explore.NewRunner()
	defer r.Close()
	program := adding([][]string{{"a", "b"}, {"b", "a"}})
	rep := r.Search(explore.Search{Strategy: explore.NewPortfolio(1), Schedules: 1000}, program)
	if !rep.Found {
		fmt.Println("no schedule fails")
		return
	}
	m, res := r.Minimize(program, rep.Result.Deviations, explore.Options{})
	fmt.Println(res.Failure.Oracle, res.Failure.Detail)
	for _, d := range m.Deviations {
		fmt.Println(d)
	}
	fmt.Println("proved minimal:", m.Proved)
	// Output:
	// lost map[a:1 b:2] instead of map[a:2 b:2]
	// switch c1 -> c2 before lock(counters)#2
	// proved minimal: true
}

// With rapid, which draws the program and makes it small: inside the property, the explorer searches its schedules. The
// bound is a number of schedules and not a time, so that the property does the same for the same program.
func Example_rapid() {
	var smallest [][]string
	property := func(t *rapid.T) {
		clients := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 1, 3), 1, 3).Draw(t, "clients")
		r := explore.NewRunner()
		defer r.Close()
		rep := r.Search(explore.Search{Strategy: explore.NewPortfolio(1), Schedules: 100}, adding(clients))
		if rep.Found {
			smallest = clients
			t.Fatal(rep.Result.Failure.Oracle) // the same text for the same bug, so that rapid shrinks on
		}
	}
	check(property) // in a test: rapid.Check(t, property)
	fmt.Println(len(smallest), "clients; additions:", len(smallest[0]), "and", len(smallest[1]))
	// Output:
	// 2 clients; additions: 1 and 1
}

// check is rapid.Check for a property that is to fail, outside of a test.
func check(property func(*rapid.T)) {
	defer func(kept string) { _ = flag.Set("rapid.nofailfile", kept) }(flag.Lookup("rapid.nofailfile").Value.String())
	_ = flag.Set("rapid.nofailfile", "true") // the flag is there
	rapid.Check(silent{}, property)
}

// silent is a test that goes on when it has failed.
type silent struct{ rapid.TB }

func (silent) Helper()               {}
func (silent) Name() string          { return "example" }
func (silent) Failed() bool          { return false }
func (silent) Logf(string, ...any)   {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}
func (silent) FailNow()              {}
