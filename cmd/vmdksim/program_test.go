package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgramOnTheCommandLine(t *testing.T) {
	s, err := parseProgram("c1: create logs; mount data@ds1; unmount data | given vm vm2|c2@vm2: remove other")
	require.NoError(t, err)
	require.Equal(t, "given vm vm2\ngiven volume data\ngiven volume other\nstart c1: create logs; mount data@ds1; unmount data\n"+
		"start c2@vm2: remove other\nschedule\n", s.Text())

	code, out, errs := do(t, "explore", "--program", "c1: mount data; unmount data | c2: remove data", "--strategy", "dfs")
	require.Equal(t, exitFine, code, errs)
	require.Contains(t, out, "complete: there is no other schedule")

	for program, want := range map[string]string{
		"c1: mout data":         `--program: in "c1: mout data": unknown operation "mout": did you mean mount?`,
		"c1: get v | c1: get v": `--program: in "c1: get v": client c1 is started twice`,
		"c1: get v |":           `--program: in "": want start CLIENT[@VM]: OP`,
		"c1: get v\nc2: get v":  "--program: want one line",
		"given volume v":        `nothing happens`,
		"c1@vm9: get v":         `unknown VM "vm9"`,
		"c1: get ..":            "",
	} {
		code, _, errs := do(t, "explore", "--schedules", "10", "--program", program)
		if want == "" {
			require.Equal(t, exitFine, code, errs)
			continue
		}
		require.Equal(t, exitBadInput, code, program)
		require.Contains(t, errs, want)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
	for _, args := range [][]string{{"explore", "--program", "c1: get v", "x.scn"}, {"explore"}, {"explore", "a", "b"}} {
		code, _, _ := do(t, args...)
		require.Equal(t, exitBadInput, code, "%v", args)
	}
}
