package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/scenarios"
)

func scenarioTexts(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.scn")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		texts[file] = string(text)
	}
	return texts
}

func TestEveryScenarioIsFormatted(t *testing.T) {
	for file, text := range scenarioTexts(t) {
		formatted, err := scenarios.Format(file, text)
		require.NoError(t, err)
		require.Equal(t, formatted, text, "run: vmdksim fmt -w scenarios/%s", file)
		s, err := scenarios.Parse(file, text)
		require.NoError(t, err)
		require.NotEmpty(t, s.Claim, file)
	}
}

func TestFormat(t *testing.T) {
	const untidy = "\n\n#  free words \n\n# claim: it is tidied\nstart c2@vm1 :  mount  v   id=x;get v # two\n\n\n\n" +
		"# about the VM\ngiven vm   vm2\nend mounted(v)=none refs(vm1:v)=01\t# a, b\n\n# of v\ngiven volume v size=1gb fstype=xfs\n" +
		"expect\n\tcount  esx.get(v)=02 # both\n # an answer\n\n c2   get v ->   not   found\n   c2 mount v id=x -> ok\r\n" +
		"start c1@vm2: sleep 60s; check refs(v)=0; write v  t; poweroff vm2; list\nschedule # none\n" +
		"    switch  c1 ->   c2 before lock(v)#1\n# the end\n\n"
	const tidy = `#  free words

# claim: it is tidied

# about the VM
given vm vm2

# of v
given volume v fstype=xfs size=1gb
start c2: mount v id=x; get v  # two
start c1@vm2: sleep 1m; check refs(v)=0; write v t; poweroff vm2; list
schedule  # none
  switch c1 -> c2 before lock(v)#1
expect
  # an answer

  c2 get v -> not found
  c2 mount v id=x -> ok
  count esx.get(v)=2  # both
end mounted(v)=none refs(v)=1  # a, b
# the end
`
	got, err := scenarios.Format("x.scn", untidy)
	require.NoError(t, err)
	require.Equal(t, tidy, got)
	again, err := scenarios.Format("x.scn", got)
	require.NoError(t, err)
	require.Equal(t, got, again)
	same(t, untidy, got)
}

// same requires that two texts mean the same scenario, wherever their lines are.
func same(t require.TestingT, a, b string) {
	parsed := make([]*scenarios.Script, 2)
	for i, text := range []string{a, b} {
		s, err := scenarios.Parse("x.scn", text)
		require.NoError(t, err, "%q", text)
		for i := range s.Expect {
			s.Expect[i].Line = 0
		}
		for i := range s.Counts {
			s.Counts[i].Line = 0
		}
		for i := range s.End {
			s.End[i].Line = 0
		}
		for _, c := range s.Clients {
			for i := range c.Ops {
				c.Ops[i].Line = 0
				for j := range c.Ops[i].Facts {
					c.Ops[i].Facts[j].Line = 0
				}
			}
		}
		parsed[i] = s
	}
	require.Equal(t, parsed[0], parsed[1])
}

// checkFormat is what must hold of every text that parses.
func checkFormat(t require.TestingT, text string) {
	if _, err := scenarios.Parse("x.scn", text); err != nil {
		return
	}
	got, err := scenarios.Format("x.scn", text)
	require.NoError(t, err)
	same(t, text, got)
	again, err := scenarios.Format("x.scn", got)
	require.NoError(t, err)
	require.Equal(t, got, again)
}

// TestFormatOfAnything builds files from parts that are fine by themselves, in any order and any spacing.
func TestFormatOfAnything(t *testing.T) {
	comment := rapid.SampledFrom([]string{"", "", " # why", "\t#", "  # not a claim: x", " \r"})
	above := rapid.SampledFrom([]string{"", "", "", "\n", "# alone\n", "  # inside\n\n", "\n\n#\n# two\n"})
	parts := [][]string{
		{"given vm vm2"},
		{"given volume  v size=1gb   access=read-only"},
		{"given volume w"},
		{"given faults 3"},
		{"given quirk null-get=off"},
		{"given quirk\tno-vm-lock=on"},
		{"given network shared"},
		{"start c1: mount v ; get w;get v"},
		{"start c2@vm1 : get v; unmount v id=c1 ; sleep 90m"},
		{"start c3: restart plugin; check attached(v)=vm1 refs(vm1:v)=0; crash plugin; read v"},
		{"schedule", " switch c1 -> c1 before lock(v)#1", "\tpick c1 when c1 ends", "  fault lose at esx:vm1:get:v#1 net.reply(vm1:get:v)#1"},
		{"expect", "  c1 mount  v -> ok", " c1 get w ->  not  found", "  count  esx.get(v)=01 lock(v)=0", "\tcount guest.mount(v)=3"},
		{"end refs(v)=0   refs(vm1:w)=2"},
		{"end attached(v)=none"},
	}
	start := 7 // one of the parts that begin here
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for _, part := range rapid.Permutation(parts).Draw(t, "order") {
			if part[0] != parts[start][0] && rapid.IntRange(0, 2).Draw(t, "left out") == 0 {
				continue
			}
			for i, line := range part {
				if i > 0 && rapid.IntRange(0, 3).Draw(t, "line left out") == 0 {
					continue
				}
				b.WriteString(above.Draw(t, "above") + line + comment.Draw(t, "comment") + "\n")
			}
		}
		text := b.String() + above.Draw(t, "at the end")
		_, err := scenarios.Parse("x.scn", text)
		require.NoError(t, err, text)
		checkFormat(t, text)
	})
}

var oneLine = regexp.MustCompile(`^x\.scn:[0-9]+: [^\n]+$`)

// checkError is what must hold of every refusal.
func checkError(t require.TestingT, err error) {
	var e *scenarios.ParseError
	require.ErrorAs(t, err, &e)
	require.Regexp(t, oneLine, err.Error())
	require.Less(t, len(err.Error()), 1000)
}

func TestMistakes(t *testing.T) {
	const ok = "start c1: get v\n"
	const fine = "given steps fine\nstart c1: get v\n"
	for text, want := range map[string]string{
		"start c1: muont v":                                 `1: unknown operation "muont": did you mean mount?`,
		"sart c1: mount v":                                  `1: unknown verb "sart": did you mean start? (there are given, start, schedule, expect, end)`,
		"start c1: mount v di=x":                            `1: mount: unknown key "di": did you mean id? (there are id)`,
		"start c1: create v colour=red":                     `1: create: unknown key "colour": there are access, attach-as, diskformat, fstype, size`,
		"given vulome v":                                    `1: unknown given "vulome": did you mean volume?`,
		"given quirk null-gte=on":                           `1: unknown quirk "null-gte": did you mean null-get?`,
		"given volume v fstype=ext3":                        `1: volume v: unknown fstype "ext3": did you mean ext4?`,
		"given volume v access=readonly":                    `1: volume v: unknown access "readonly": did you mean read-only?`,
		"given volume v\ngiven volume v@ds1":                "2: volume v@ds1 is given twice",
		"given volume v attach-as=foo":                      `1: volume v: unknown attach-as "foo"`,
		"given volume v diskformat=thik":                    `1: volume v: unknown diskformat "thik": did you mean thin?`,
		"given datastore _VM_DS":                            "1: _VM_DS means other datastores",
		"given vm vm1":                                      "1: vm1 is always there",
		"given vm vm2\ngiven vm vm2":                        "2: vm vm2 is given twice",
		"given faults 1\ngiven faults 2":                    "2: faults is given twice",
		"given quirk null-get=on\ngiven quirk null-get=off": "2: quirk null-get is given twice",
		ok + ok:                             "2: client c1 is started twice",
		"start clock: get v":                `1: "clock" cannot be the name of a client`,
		"start a b: get v":                  `1: "a b" cannot be the name of a client`,
		"start c1@vm3: get v":               `1: unknown VM "vm3": did you mean vm1?`,
		"start c1: poweroff vm2":            `1: unknown VM "vm2": did you mean vm1?`,
		"start c1: crash plug":              `1: crash: unknown process "plug": did you mean plugin?`,
		"start c1: sleep long":              `1: sleep: "long": want a duration`,
		"start c1: sleep -1s":               `1: sleep: "-1s": want a duration`,
		"start c1: write v":                 "1: write: want VOLUME TEXT",
		"start c1: write v a;b":             `1: unknown operation "b"`,
		"start c1: list all":                `1: list: "all" is too much`,
		"start c1: check":                   "1: check: want FACT=VALUE",
		"start c1: check refs(v)=many":      `1: check: "refs(v)=many": want a number`,
		"start c1: check attached(v)=vm9":   `1: unknown VM "vm9": did you mean vm1?`,
		"start c1: get v; ":                 "1: an empty operation",
		ok + "end refs(v)=1\nend refs(v)=2": "3: refs(v) is there twice",
		ok + "end refs(w)=0":                `2: refs(w): unknown volume "w": there are v`,
		ok + "end attached(v@ds2)=none":     "2: attached(v@ds2): facts are about volumes on ds1, not @ds2",
		ok + "expect\n  count esx.get(w)=0": `3: count esx.get(w): unknown volume "w": there are v`,
		ok + "expect\n  count foo.bar(v)=0": `3: count foo.bar(v): unknown point "foo"`,
		"given vm vm2\ngiven vm vm3 bios=vm2\ngiven vm vm4 bios=vm3\n" + ok: "3: vm vm4: vm3 has the BIOS uuid of vm2 itself",
		"given vm vm2 bios=vm3\ngiven vm vm3 bios=vm2\n" + ok:               "1: vm vm2: vm3 has the BIOS uuid of vm2 itself",
		"given vm vm2\ngiven vm vm3 bios=vm3\n" + ok:                        "2: vm vm3: it has a BIOS uuid of its own",
		"given vm vm2\ngiven vm vm3 home=ds3\n" + ok:                        `2: vm vm3: unknown datastore "ds3"`,
		"given volume v\ngiven datastore ds2 local=esx5\n" + ok:             `2: datastore ds2: unknown ESX host "esx5"`,
		"given volume v\ngiven vmgroup app vms=vm9\n" + ok:                  `2: vmgroup app: unknown VM "vm9"`,
		ok + "end ref(v)=1":                                                     `2: unknown condition "ref": did you mean refs?`,
		ok + "end mounted(v)=rw":                                                `2: unknown access mode "rw"`,
		ok + "end attached(vm2:v)=vm1":                                          "2: \"attached(vm2:v)=vm1\": a volume is attached to one VM at most",
		ok + "schedule\nexpect\nschedule":                                       "4: a second schedule block",
		ok + "schedule\n  pick c9 when c1 ends":                                 `3: unknown task "c9": did you mean c1?`,
		ok + "schedule\n  fault lose at esx:vm7:get:v#1 net.reply(x)#1":         `3: task "esx:vm7:get:v#1": unknown VM "vm7": did you mean vm1?`,
		ok + "schedule\n  fault lose at esx:vm1:gte:v#1 net.reply(x)#1":         `unknown command "gte": did you mean get?`,
		ok + "schedule\n  fault lose at esx:vm1:get:v net.reply(x)#1":           "want esx:VM:COMMAND:VOLUME#N",
		fine + "schedule\n  fault lose at esx:vm1:get:v#1 net.reply(x)#1":       `4: task "esx:vm1:get:v#1": want esx:VM:COMMAND:VOLUME#TASK.N`,
		fine + "schedule\n  fault lose at esx:vm1:get:v#c9.1 net.reply(x)#1":    `4: task "esx:vm1:get:v#c9.1": unknown task "c9"`,
		fine + "schedule\n  fault lose at esx:vm1:get:v#c1.x net.reply(x)#1":    `the number after # counts requests from 1`,
		fine + "schedule\n  fault lose at esx:vm1:get:v#esx:a.1 net.reply(x)#1": `where TASK is a client or a task of a driver`,
		fine + "schedule\n  pick c1 when get ends":                              "or esx:VM:COMMAND:VOLUME#TASK.N, ",
		ok + "schedule\n  fault lose at esx:vm1:get:v#c1.1 net.reply(x)#1":      `the number after # counts requests from 1`,
		ok + "schedule\n  switch c1 before lock(v)#1":                           "3: malformed switch",
		ok + "schedule\n  pick c1 when c1 ends\n  pick c1 when c1 ends":         "4: the same deviation is there already",
		ok + "expect\n  c2 get v -> ok":                                         `3: no client "c2" was started: did you mean c1?`,
		ok + "expect\n  c1 gte v -> ok":                                         `3: client c1 does not do "gte v": did you mean get v?`,
		ok + "expect\n  c1 get v":                                               "3: want CLIENT OP -> ANSWER",
		ok + "expect\n  count lock(b)=1 lock(b)=2":                              "3: lock(b) is counted twice",
		ok + "expect\n  count a(b)=-1":                                          `3: "a(b)=-1": want a number`,
		"# claim: a\n# claim: b\n" + ok:                                         "1: a second claim",
		"given quirk no-vm-lock=on\nstart c1: restart esx":                      "2: with quirk no-vm-lock a VM stays busy",
		"start c1: get \x07v":                                                   "1: the line has the control character U+0007",
		"start c1: get \xffv":                                                   "1: the line is not valid UTF-8",
		"":                                                                      "1: nothing happens: there is no start line",
	} {
		_, err := scenarios.Parse("x.scn", text)
		require.Error(t, err, text)
		checkError(t, err)
		require.Contains(t, err.Error(), want)
	}
}

func TestGarbageIsRefusedAtOnce(t *testing.T) {
	for _, garbage := range []string{
		strings.Repeat("\x00\xff garbage ", 1<<20), strings.Repeat("a", 1<<20), strings.Repeat("a\n", 1<<19),
		"start c1: " + strings.Repeat("get v;", 170_000), "start " + strings.Repeat("c", 1<<19) + ": get v",
		"start c1: get v\nexpect\n" + strings.Repeat("  c1 get w -> ok\n", 50_000),
		strings.Repeat("given vm v\nstart c1@v: get x\n", 1000),
		manyNames("given vm v%d\n", 40_000) + "start c1@w: get v",
		manyNames("start c%d: get v\n", 20_000) + "schedule\n" + manyNames("  pick c%d when c1 ends\n", 20_000) + "  pick d when c1 ends",
		"start c1: " + strings.Repeat("get v;", 60_000) + "get v\nexpect\n" + strings.Repeat("  c1 get v -> ok\n", 30_000) + "  c1 get w -> ok",
		"start c1: get v\nschedule\n  switch c1 -> " + strings.Repeat("x", 1<<19) + " before lock(v)#1",
	} {
		begin := time.Now()
		_, err := scenarios.Parse("x.scn", garbage)
		checkError(t, err)
		require.Less(t, time.Since(begin), 5*time.Second)
	}
}

func manyNames(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	for _, text := range scenarioTexts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := scenarios.Parse("x.scn", text); err != nil {
			checkError(t, err)
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, text := range scenarioTexts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkFormat(t, text) })
}
