package scenarios_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

// updated runs a scenario and rewrites what it expects.
func updated(t *testing.T, text string) (string, error) {
	t.Helper()
	s, err := scenarios.ParseStale("x.scn", text)
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	o, err := stage.Replay(false)
	require.NoError(t, err)
	return scenarios.Update("x.scn", text, &o)
}

// TestUpdateChangesNothingThatIsRight, and repairs what is wrong, byte for byte.
func TestUpdateChangesNothingThatIsRight(t *testing.T) {
	answer := regexp.MustCompile(`(?m)^(  c\w* .* -> ).*$`)
	count := regexp.MustCompile(`(?m)^  count .*$`)
	number := regexp.MustCompile(`=[0-9]+`)
	for file, text := range scenarioTexts(t) {
		got, err := updated(t, text)
		require.NoError(t, err, file)
		require.Equal(t, text, got)

		wrong := count.ReplaceAllStringFunc(text, func(s string) string { return number.ReplaceAllString(s, "=77") })
		wrong = answer.ReplaceAllString(wrong, "${1}as if")
		got, err = updated(t, wrong)
		require.NoError(t, err, file)
		require.Equal(t, text, got)
	}
}

func TestUpdate(t *testing.T) {
	const start = "given volume v\n\nstart c1:   mount v; get w # spaced on purpose\n"
	for name, c := range map[string]struct{ from, to string }{
		"without a block": {
			start + "# the end\nend refs(v)=1",
			start + "expect\n  c1 mount v -> ok\n  c1 get w -> not found\n# the end\nend refs(v)=1",
		},
		"without a block or an end of line": {
			strings.TrimSuffix(start, "\n"), start + "expect\n  c1 mount v -> ok\n  c1 get w -> not found\n",
		},
		"answers": {
			start + "expect # what comes\n\tc1  get w ->  ok   # B1\r\n  # above\n  c1 remove v -> ok # gone\n  count esx.get(w)=9 esx.get(v)=1 # n\nend refs(v)=1\n",
			start + "expect # what comes\n\tc1 get w -> not found   # B1\r\n  # above\n  # gone\n  c1 mount v -> ok\n" +
				"  count esx.get(w)=1 esx.get(v)=1 # n\nend refs(v)=1\n",
		},
		"exact events": {
			start + "expect exactly\n  # first\n  c1  mount v # kept\n  c1 get w\n  c1 mount v -> ok\n  # last\n  c1 get w -> ok # moved\n",
			start + "expect exactly\n  # first\n  c1  mount v # kept\n  c1 mount v -> ok\n  c1 get w\n  # last\n  c1 get w -> not found # moved\n",
		},
		"exact events of an empty block": {
			start + "expect exactly\nend refs(v)=1\n",
			start + "expect exactly\n  c1 mount v\n  c1 mount v -> ok\n  c1 get w\n  c1 get w -> not found\nend refs(v)=1\n",
		},
	} {
		got, err := updated(t, c.from)
		require.NoError(t, err, name)
		require.Equal(t, c.to, got, name)
		again, err := updated(t, got)
		require.NoError(t, err, name)
		require.Equal(t, got, again, name)
	}
}

func TestUpdateRefuses(t *testing.T) {
	_, err := updated(t, "start c1: get v\nschedule\n  pick c1 when c1 ends\nexpect\n")
	require.ErrorContains(t, err, "the schedule never came to: pick c1 when c1 ends")

	// An attach that is executed later than the driver waits for it: no driver can see it coming.
	bad := "given volume v\nstart c1: mount v\nschedule\n" +
		"  pick clock when c1 blocks at wait(esx:vm1:attach:v@ds1#1)#1\n" +
		"  pick clock when c1 blocks at sleep(plugin)#2\n" +
		"  pick esx:vm1:detach:v@ds1#1 when c1 blocks at wait(esx:vm1:detach:v@ds1#1)#1\nexpect\n"
	_, err = updated(t, bad)
	require.ErrorContains(t, err, "not updated: state-when-quiet: v@ds1 is attached to vm1, but not mounted")
}

// TestExactly: the first difference is reported with its line, and nothing after it.
func TestExactly(t *testing.T) {
	for text, want := range map[string]string{
		"  c1 get v\n  c1 get v -> not found\n  c2 get v\n  c2 get v -> not found\n":             "",
		"  c1 get v\n  c2 get v\n  c1 get v -> not found\n  c2 get v -> not found\n":             "x.scn:5: want c2 get v, got c1 get v -> not found",
		"  c1 get v\n  c1 get v -> ok\n":                                                         "x.scn:5: want c1 get v -> ok, got c1 get v -> not found",
		"  c1 get v\n":                                                                           "x.scn:0: the expect block ends before: c1 get v -> not found",
		"  c1 get v\n  c1 get v -> not found\n  c2 get v\n  c2 get v -> not found\n  c1 get v\n": "x.scn:8: want c1 get v, but nothing more happened",
	} {
		s, err := scenarios.Parse("x.scn", "start c1: get v\nstart c2: get v\nexpect exactly\n"+text)
		require.NoError(t, err)
		stage, err := scenarios.NewStage(s)
		require.NoError(t, err)
		o, err := stage.Replay(false)
		stage.Close()
		require.NoError(t, err)
		if want == "" {
			require.Empty(t, o.Wrong)
			continue
		}
		require.Equal(t, []string{want}, o.Wrong)
	}
}
