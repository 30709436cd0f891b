package main

import (
	"fmt"
	"strings"
)

// fuzzSources are the files of the service that the fuzzer attacks.
var fuzzSources = []string{"driver/wire/*.go", "esxsim/*.go", "esxsim/host/*.go"}

// fuzzPage is docs/fuzz.md.
func fuzzPage(r fuzzed, hash string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Fuzzing of the ESX service

Two VMs send what the fuzzer's bytes say to the whole service, once with datastores in memory and once with directories: commands with
names and options that were chosen to hurt, any JSON, any bytes, frames that are cut or changed, power that goes off and on, restarts.
After each of them the whole state is looked at: no crash, no file outside the datastore's directory read or changed, every disk in one
VM at most, and metadata, file locks and list in agreement (`+"`esxsim/host.FuzzService`"+`). Made by `+"`make fuzz-service`"+`; do not edit.

`+hashMark+`%s

| Ran for | Inputs tried | Failures | Inputs that reach something new | Committed seeds, before and from this run |
|--:|--:|--:|--:|--:|
| %s | %d | 0 | %d | %d + %d |

The seeds run in every `+"`make test`"+`, and the fuzzer itself for 30 s in every run of CI.
`, hash, r.elapsed, r.execs, r.interesting, r.seeds, r.added)
	return b.String()
}
