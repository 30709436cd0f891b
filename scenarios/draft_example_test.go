package scenarios_test

import (
	"fmt"

	"vmdkvol/scenarios"
)

// A random program, whose choices come from anywhere: from rapid, from a seed, or from a script as here.
func ExampleDraft() {
	last := func(label string, n int) int { return n - 1 }
	d := scenarios.NewDraft("example", scenarios.Grammar{Clients: 2, VMs: 2, Faults: 1}, last)
	d.Act("create")
	d.Act("mount")
	fmt.Print(d.Script().Text())
	// Output:
	// given vm vm2
	// given faults 1
	// start c2@vm2: create w fstype=xfs size=300mb; mount w id=id2
	// schedule
}
