package scenarios_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

// regression is a defect of the original that a switch brings back, and the scenario that finds it.
type regression struct {
	of      string // the scenario of docs/original.md §4.6, or the bug of §4.4
	file    string // without .scn
	with    string // the switch
	because string // what is wrong then, in the words of the failure or of an expectation that is not met
}

// serviceSide are the scenarios of §4.6 that live in the service and its network.
var serviceSide = []int{
	9, 10, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 42, 46, 47, 48, 49, 50, 54, 56, 57, 58, 59, 60, 64, 65, 66,
}

func regressions() []regression {
	return []regression{
		{"S9", "get-during-create", "home-datastore-lock=on", "c2 send get data@ds1 -> want detached, got null"},
		{"S10", "two-hosts-one-volume", "file-lock-ignored=on", "disk-with-two-owners"},
		{"S12", "lock-creation", "lock-table-race=on", "got Failed to create volume: Cannot complete the operation because the file"},
		{"S13", "metadata-busy", "busy-once=on", "c2 send get data -> want attached to vm1, got null"},
		{"S13", "metadata-busy-attach", "options-lost=on", "c1 mount data -> want ok, got doubt"},
		{"S13", "metadata-busy-others", "busy-under-lock=on", "want c2 send get other -> detached, got c1"},
		{"S14", "remove-in-use", "remove-in-use=on", "c2 send get data -> want attached to vm1, got null"},
		{"S14", "two-hosts-remove", "remove-in-use=on", "c2 send get data -> want attached to vm1, got null"},
		{"S15", "clone-against-remove", "clone-source-unlocked=on", "got Failed to clone volume: File"},
		{"S16", "two-hosts-stale", "attach-repairs-stale=on", "c2 send get data -> want attached to vm1, got detached"},
		{"S17", "late-poweroff", "blind-listener=on", "c2 send get data -> want attached to vm2, got detached"},
		{"S17", "late-listener-takes-disk", "listener-unchecked=on", "surprise-removal"},
		{"S20", "two-hosts-create", "file-lock-ignored=on", "disk-with-two-owners"},
		{"S21", "version-mismatch", "mismatch-executes=on", "c1 send get data -> want detached, got Volume data not found"},
		{"S22", "same-bios-uuid", "bios-uuid-first=on", "surprise-removal"},
		{"S23", "datastore-cache", "datastore-cache-race=on", "c2 get data@ds1 -> want ok, got bad name"},
		{"S24", "stop-drains", "stop-kills=on", "c1 send attach data -> want bus 15.0 unit 0, got unreachable"},
		{"S24", "stop-slow", "stop-lives-on=on", "op stop esx -> lives on"},
		{"S25", "vmgroup-removed", "force-detach-broken=on", "UnboundLocalError"},
		{"S25", "vmgroup-removed", "no-force-detach=on", "got VM vm2 does not belong to any vmgroup"},
		{"S26", "many-disks", "controller-with-disk=on", "c4 send attach v15 -> want bus 16.0 unit 0, got The attempted operation"},
		{"S27", "fault-in-detach", "detach-fault-ends=on", "count esx.restart(esx): want 0, got 1"},
		{"S42", "reset", "attach-once=on", "c2 mount data -> want ok, got failed"},
		{"S46", "home-datastore-lock", "home-datastore-lock=on", "c2 send attach data@ds1 -> want File"},
		{"S47", "clone-deadlock", "clone-deadlock=on", "deadlock c1 waits for a wake of esx:vm1:create:data@ds2#1"},
		{"S47", "clone-deadlock-pair", "clone-deadlock=on", "deadlock c1 waits for a wake of esx:vm1:create:a@ds2#1"},
		{"S48", "quota-race", "quota-race=on", "over-quota vmgroup app has 120 MB"},
		{"S48", "quota-of-clones", "clones-uncounted=on", "over-quota vmgroup app has 300 MB"},
		{"S49", "clone-of-stale", "clone-inherits-owner=on", "c2 send get copy -> want detached, got attached to vm1"},
		{"S50", "two-hosts-torn", "torn-metadata=on", "c3 mount data -> want ok, got doubt"},
		{"S50", "metadata-crash-torn", "torn-metadata=on", "c2 send get data -> want detached, got null"},
		{"S50", "metadata-busy-attach", "options-lost=on", "mounted(data)=read-only, but it is none"},
		{"S54", "silent-client", "one-receiver=on", "c2 mount data -> want ok, got unreachable"},
		{"S54", "request-length", "gives-up=on", "c2 send create other -> want ok, got unreachable"},
		{"S56", "stale-attached", "stale-attached=on", "c2 send remove data -> want ok, got Failed to remove volume data, in use"},
		{"S56", "host-fails-stale", "stale-attached=on", "c4 send remove data -> want ok, got Failed to remove volume data, in use"},
		{"S57", "orphaned-remove", "orphans-run-on=on", "c2 send attach data -> want bus 15.0 unit 0, got File"},
		{"S58", "caller-mistaken", "leftover-id=on", "c3 send get data -> want detached, got attached to vm1"},
		{"S59", "hostd-restarts", "first-snapshot-ignored=on", "c2 send get data -> want detached, got attached to vm1"},
		{"S59", "hostd-lost", "listener-ends=on", "c2 send get data -> want detached, got attached to vm1"},
		{"S60", "access-set-during-attach", "set-unlocked=on", "c1 send get data -> want attached to vm1, got detached"},
		{"S64", "request-length", "gives-up=on", "c1 send create data length=4095 -> want ok, got unreachable"},
		{"S65", "vm-renamed", "owner-by-name=on", "c2 send get data -> want detached, got attached to web"},
		{"S65", "vms-of-one-name", "owner-by-name=on", "c2 send get data -> want attached to vm1, got detached"},
		{"S66", "vmgroup-renamed", "vmgroup-by-name=on", "c2 send attach data -> want File"},
		{"S66", "vmgroup-renamed-create", "vmgroup-by-name=on", "c1 send get data -> want detached, got null"},

		{"S18", "create-existing", "create-existing-ok=on", "c2 send create data size=1gb -> want File"},
		{"B2", "config-handle", "db-handle-shared=on", "got Server returned an error: ProgrammingError"},
		{"B3", "metadata-at-once", "disklib-unlocked=on", "c2 send get logs -> want detached, got null"},
		{"B5", "remove-right-after-detach", "remove-once=on", "c1 remove data -> want ok, got in use"},
		{"B17", "config-changes", "config-restarts=on", "c1 mount data -> want ok, got unreachable"},
		{"B22", "clone-options", "clone-keeps-sidecar=on", "mounted(copy)=read-only, but it is read-write"},
		{"B23", "backlog", "backlog-one=on", "c2 send get logs -> want detached, got unreachable"},
	}
}

// TestRegressions: each scenario passes as it is (see TestEveryScenario, too), and with its switch it fails, for the reason
// that docs/original.md has, and not because its schedule fits no more. No number of the service's side is missing, and
// no scenario says that it fails with a switch which is not tried here.
func TestRegressions(t *testing.T) {
	texts := scenarioTexts(t)
	header := regexp.MustCompile(`(?m)^# source: docs/original\.md (.*?); fails with: (.*)$`)
	tried, left := map[string]bool{}, map[string]bool{}
	for file, text := range texts {
		if m := header.FindStringSubmatch(text); m != nil {
			for _, with := range strings.Split(m[2], ", ") {
				left[file+" "+with] = true
			}
			continue
		}
		require.NotContains(t, text, "fails with", file)
	}
	for _, r := range regressions() {
		tried[r.of] = true
		file := r.file + ".scn"
		t.Run(r.of+"/"+r.file+"/"+r.with, func(t *testing.T) {
			m := header.FindStringSubmatch(texts[file])
			require.NotNil(t, m, "the scenario does not say with what it fails")
			require.Contains(t, strings.Split(m[1], ", "), r.of, "the scenario does not name it as a source")
			require.Contains(t, strings.Split(m[2], ", "), r.with)
			delete(left, file+" "+r.with)
			require.Empty(t, wrongWith(t, file, texts[file], strings.Replace(r.with, "=on", "=off", 1)))
			wrong := wrongWith(t, file, texts[file], r.with)
			require.True(t, slices.ContainsFunc(wrong, func(line string) bool { return strings.Contains(line, r.because) }),
				"want %q among %q", r.because, wrong)
		})
	}
	for _, n := range serviceSide {
		require.True(t, tried[fmt.Sprint("S", n)], "S%d is missing", n)
	}
	require.Empty(t, left, "these are not tried")
}

// wrongWith replays a scenario with a switch set and lists what is wrong.
func wrongWith(t *testing.T, file, text, set string) (wrong []string) {
	t.Helper()
	s, err := scenarios.Parse(file, text)
	require.NoError(t, err)
	require.NoError(t, s.Switch(set))
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	outcome, err := stage.Replay(false)
	require.NoError(t, err)
	if f := outcome.Result.Failure; f != nil {
		wrong = append(wrong, f.Oracle+" "+f.Detail)
	}
	return append(wrong, outcome.Wrong...)
}
