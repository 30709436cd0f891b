package scenarios_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

const tracedBuild = "0123456789abcdef revision x"

// traced runs a script and writes its trace down.
func traced(t *testing.T, s *scenarios.Script, text string) *scenarios.Trace {
	t.Helper()
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	o, err := stage.Replay(true)
	require.NoError(t, err)
	return scenarios.NewTrace(tracedBuild, s.File, text, &o)
}

// TestTraceOfEveryScenario: what is written can be read, says the same, and its run is the same.
func TestTraceOfEveryScenario(t *testing.T) {
	for _, name := range scenarios.Names() {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		script, err := scenarios.Load(name)
		require.NoError(t, err)
		first := traced(t, script, string(text))
		require.NotEmpty(t, first.Events)
		require.ElementsMatch(t, script.Schedule, first.Deviations, name)

		read, err := scenarios.ParseTrace("x.trace", first.String())
		require.NoError(t, err, name)
		again, err := read.Script()
		require.NoError(t, err, name)
		second := traced(t, again, read.Scenario)
		second.Name = first.Name
		require.Equal(t, first.String(), second.String())
		require.Nil(t, read.Compare(second))
	}
}

func TestTraceThatDiffers(t *testing.T) {
	text, err := os.ReadFile("mount-two-containers.scn")
	require.NoError(t, err)
	script, err := scenarios.Load("mount-two-containers.scn")
	require.NoError(t, err)
	now := traced(t, script, string(text))
	file := now.String()
	lines := strings.Split(file, "\n")

	const changed = "  step    c1: esx.attach(data)"
	require.Contains(t, lines, changed)
	was, err := scenarios.ParseTrace("x.trace", strings.Replace(file, changed, "  step    c1: esx.attach(other)", 1))
	require.NoError(t, err)
	d := was.Compare(now)
	require.Equal(t, "step    c1: esx.attach(other)", d.Was)
	require.Equal(t, "step    c1: esx.attach(data)", d.Is)
	require.Equal(t, changed, lines[d.Line-1], "the line of the file")
	require.Equal(t, now.Events[d.At-1], d.Is)
	require.Equal(t, now.Events[d.At-6:d.At-1], d.Before)

	short, err := scenarios.ParseTrace("x.trace", strings.Replace(file, lines[len(lines)-3]+"\n", "", 1))
	require.NoError(t, err)
	d = short.Compare(now)
	require.Empty(t, d.Was, "the trace is over")
	require.Equal(t, now.Events[len(now.Events)-1], d.Is)
	require.Empty(t, now.Compare(short).Is)

	hash, err := scenarios.ParseTrace("x.trace", strings.Replace(file, now.Hash, "0000000000000000", 1))
	require.NoError(t, err)
	d = hash.Compare(now)
	require.Equal(t, "hash 0000000000000000", d.Was)
}

func TestTraceThatIsNone(t *testing.T) {
	const head = "vmdksim trace 1\nbuild b\nscenario x.scn\n"
	const good = head + "  start c1: get v\n  \n  start c2: get v\ndeviations\nevents\n  spawn   c1\nhash 1\n"
	_, err := scenarios.ParseTrace("x.trace", good)
	require.NoError(t, err)
	for _, tc := range []struct{ text, want string }{
		{"", `x.trace:1: "" is not what stands here`},
		{"start c1: get v\n", `x.trace:1: "start c1: get v" is not what stands here in a trace: want the line "vmdksim trace 1"`},
		{"vmdksim trace 2\n", `x.trace:1: "vmdksim trace 2" is not`},
		{"vmdksim trace 1\nbuild \n", "x.trace:2: "},
		{head, `x.trace:3: the trace ends here, and the line "deviations" is missing`},
		{head + "deviations\n  jump\n", `x.trace:5: unknown deviation "jump"`},
		{head + "deviations\n  switch c1\n", `x.trace:5: malformed switch`},
		{head + "deviations\nevents\n  step \x00\n", "x.trace:6: the line has the control character U+0000"},
		{head + "deviations\nevents\n  step \xff\n", "x.trace:6: the line is not valid UTF-8"},
		{head + "deviations\nevents\nhash 1\nhash 1\n", "x.trace:7: nothing follows the hash"},
		{"\ufeff" + good, "x.trace:1: the line begins with a byte order mark"},
		{strings.Repeat("garbage\n", 10<<20), "x.trace:1: the file is 83886080 bytes long"},
	} {
		_, err := scenarios.ParseTrace("x.trace", tc.text)
		require.ErrorContains(t, err, tc.want)
		require.NotContains(t, err.Error(), "\n")
	}
	for _, tc := range []struct{ scenario, deviation, want string }{
		{"  start c1: gte v\n", "", `x.trace:4: unknown operation "gte"`},
		{"  start c1: get v\n", "  switch c1 -> c2 before esx.get(v)#1\n", `x.trace:6: unknown task "c2"`},
	} {
		tr, err := scenarios.ParseTrace("x.trace", head+tc.scenario+"deviations\n"+tc.deviation+"events\nhash 1\n")
		require.NoError(t, err)
		_, err = tr.Script()
		require.ErrorContains(t, err, tc.want)
	}
}
