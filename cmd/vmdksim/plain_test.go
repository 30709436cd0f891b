package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAdminIsPlain: what guests have chosen reaches no terminal as it is, and makes no row and no column.
func TestAdminIsPlain(t *testing.T) {
	admin, request, _ := serveHere(t)
	for _, name := range []string{`a\u001b[2Jb`, `nl\nsecret  ds1  app`, `tab\tname`, `csi\u009b2J`, `bidi\u202eeman`, `del\u007f`, `ünïcode`} {
		require.Equal(t, "null", request("vm1", `{"cmd":"create","details":{"Name":"`+name+`","Opts":{"size":"1mb","fstype":"\u001b[31m\n"}},"version":"2"}`))
	}
	code, out, _ := admin("volume", "ls", "-c", "volume,datastore,fstype")
	require.Equal(t, exitFine, code)
	require.Equal(t, 8, strings.Count(out, "\n"), out)
	for _, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
		for _, r := range line {
			require.True(t, unicode.IsPrint(r), "%q", line)
		}
	}
	require.Contains(t, out, `a\x1b[2Jb`)
	require.Contains(t, out, `nl\nsecret  ds1  app`)
	require.Contains(t, out, `tab\tname`)
	require.Contains(t, out, `csi\u009b2J`)
	require.Contains(t, out, `ünïcode`)

	_, out, _ = admin("volume", "ls", "-c", "volume", "--output", "json")
	for _, r := range out {
		require.True(t, unicode.IsPrint(r) || r == '\n', "%q", out)
	}
	var rows []map[string]string
	require.NoError(t, json.Unmarshal([]byte(out), &rows))
	require.Contains(t, rows, map[string]string{"volume": "csi\u009b2J"})

	code, _, errs := admin("vmgroup", "rm", "--name", "a\x1b[2J\nb")
	require.Equal(t, exitFound, code)
	require.Equal(t, 1, strings.Count(errs, "\n"), "%q", errs)
	require.NotContains(t, errs, "\x1b")
}

// TestPlain: printable text stays, everything else can be told from it and from each other.
func TestPlain(t *testing.T) {
	require.Equal(t, `\xff\\x`, plain("\xff\\x"))
	require.Equal(t, "kept: é 漢", plain("kept: é 漢"))
	require.ErrorIs(t, plainError(errFound), errFound)
	require.Equal(t, `a\n`, plainError(errors.New("a\n")).Error())
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		require.Equal(t, a == b, plain(a) == plain(b))
		for _, r := range plain(a) {
			require.True(t, unicode.IsPrint(r))
		}
		text, err := json.Marshal(a)
		require.NoError(t, err)
		var back string
		require.NoError(t, json.Unmarshal(plainJSON(text), &back))
		require.Equal(t, a, back)
	})
}
