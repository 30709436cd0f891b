package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/driver/wire"
)

// neverGood are replies that are a success of no command (docs/original.md §1.8, D15).
var neverGood = append([]string{
	// what the original service really sends when it fails
	`{"Error": ["Failed to add PVSCSI Controller: %s", "<msg>"]}`, `"a bare string"`,
	// errors of a wrong shape
	`{"Error": ""}`, `{"Error": null}`, `{"Error": 5}`, `{"Error": {}}`, `{"Error"}`, `{"Error": "a"`, `{"Error": "a"} x`,
	`{"error": "a"}`, `{"ERROR": "a"}`, `{"error": ["a"]}`, `{"Error": "a", "Error": "b"}`, `{"Error": "a", "error": "b"}`,
	`{"Error": "a", "Unit": "0"}`, `{"Unit": "0", "Error": "a"}`,
	`{"Unit": "0", "ControllerPciSlotNumber": "1", "ControllerPciBusNumber": "2", "Error": "a"}`,
	`{"Unit": "0", "ControllerPciSlotNumber": "1", "ControllerPciBusNumber": "2", "error": ["a"]}`,
	// others
	`none`, `OK`, `0`, `true`, `false`, `{}`, `[null]`, `[[]]`, `[{}]`, `NULL`, `nulll`, `null null`, `null,`, `{"a": 1}`,
	`<html><body>502</body></html>`,
}, invalidJSON...)

func requireBad(t *testing.T, err error, args ...any) {
	t.Helper()
	var bad *wire.BadReplyError
	require.ErrorAs(t, err, &bad, args...)
	require.LessOrEqual(t, len(bad.Reply), 80)
	require.NotEmpty(t, bad.Problem)
}

func TestNeverGood(t *testing.T) {
	for _, text := range neverGood {
		for cmd, parse := range replyParsers {
			requireBad(t, parse([]byte(text)), "%s: %q", cmd, text)
		}
	}
}

// The success of one command is not the success of another, and no part of it is.
func TestGoodRepliesOfOtherCommands(t *testing.T) {
	good := map[string][]string{
		"null":    {"null"},
		"device":  {string(goldenText(t, "reply-device"))},
		"list":    {string(goldenText(t, "reply-list")), "[]"},
		"volume":  {string(goldenText(t, "reply-volume")), "null"},
		"version": {string(goldenText(t, "reply-version"))},
	}
	for owner, texts := range good {
		for _, text := range texts {
			for cmd, parse := range replyParsers {
				if slices.Contains(good[cmd], text) {
					require.NoError(t, parse([]byte(text)), "%s as %s", owner, cmd)
					require.NoError(t, parse([]byte(" "+text+"\r\n\t")), "white space: %s as %s", owner, cmd)
				} else {
					requireBad(t, parse([]byte(text)), "%s as %s", owner, cmd)
				}
			}
			for n := range len(text) {
				requireBad(t, replyParsers[owner]([]byte(text[:n])), "%s cut at %d", owner, n)
			}
			requireBad(t, replyParsers[owner]([]byte(text+"x")), owner)
			requireBad(t, replyParsers[owner]([]byte(text+text)), owner)
		}
	}
}

// Each change makes a good reply bad: a field gone, twice, in another case, of another type.
func TestFieldsOfReplies(t *testing.T) {
	for _, c := range []struct {
		cmd, frame         string
		required, optional []string
	}{
		{"device", "reply-device", []string{"Unit", "ControllerPciSlotNumber", "ControllerPciBusNumber"}, nil},
		{"version", "reply-version", []string{"version"}, nil},
		{
			"volume", "reply-volume",
			[]string{"created by VM", "created", "status", "capacity", "datastore"},
			[]string{"attached to VM", "attachedVMDevice", "fstype", "diskformat", "attach-as", "access", "clone-from"},
		},
	} {
		parse := replyParsers[c.cmd]
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(goldenText(t, c.frame), &members))
		require.Len(t, members, len(c.required)+len(c.optional))
		encode := func(edit func(map[string]json.RawMessage)) []byte {
			m := maps.Clone(members)
			edit(m)
			b, err := json.Marshal(m)
			require.NoError(t, err)
			return b
		}
		for i, name := range slices.Concat(c.required, c.optional) {
			gone := parse(encode(func(m map[string]json.RawMessage) { delete(m, name) }))
			if i < len(c.required) {
				requireBad(t, gone, "no %q", name)
			} else {
				require.NoError(t, gone, "no %q", name)
			}
			for _, wrong := range []string{`null`, `5`, `true`, `[]`, `{}`, `["a"]`} {
				b := encode(func(m map[string]json.RawMessage) { m[name] = json.RawMessage(wrong) })
				requireBad(t, parse(b), "%s", b)
			}
			upper := encode(func(m map[string]json.RawMessage) { m[strings.ToUpper(name)] = m[name] })
			requireBad(t, parse(upper), "%s", upper)
			twice := encode(func(map[string]json.RawMessage) {})
			twice = fmt.Appendf(twice[:len(twice)-1], `,%q:%s}`, name, members[name])
			requireBad(t, parse(twice), "%s", twice)
		}
		for _, name := range []string{"Error", "error"} {
			b := encode(func(m map[string]json.RawMessage) { m["zz"+name] = json.RawMessage(`"a"`) })
			b = bytes.Replace(b, []byte("zz"+name), []byte(name), 1) // the last field
			requireBad(t, parse(b), "%s", b)
		}
		extra := parse(encode(func(m map[string]json.RawMessage) { m["new"] = json.RawMessage(`[{"a":1}]`) }))
		if c.cmd == "volume" {
			require.NoError(t, extra, c.cmd)
		} else {
			requireBad(t, extra, c.cmd)
		}
	}
}

func TestEmptyStringsAndValues(t *testing.T) {
	for cmd, texts := range map[string][]string{
		"device": {
			`{"Unit": "", "ControllerPciSlotNumber": "1", "ControllerPciBusNumber": "2"}`,
			`{"Unit": "0", "ControllerPciSlotNumber": "", "ControllerPciBusNumber": "2"}`,
			`{"Unit": "0", "ControllerPciSlotNumber": "1", "ControllerPciBusNumber": ""}`,
		},
		"version": {`{"version": ""}`},
		"list": {
			`[{"Name": "", "Attributes": {}}]`, `[{"Name": "v@d"}]`, `[{"Attributes": {}}]`, `[{"Name": "v@d", "Attributes": null}]`,
			`[{"Name": "v@d", "Attributes": {"a": 1}}]`, `[{"Name": "v@d", "Attributes": {"a": "1", "a": "1"}}]`,
			`[{"Name": "v@d", "Name": "v@d", "Attributes": {}}]`, `[{"name": "v@d", "Name": "v@d", "Attributes": {}}]`,
			`[{"Name": "v@d", "Attributes": {}, "x": 1}]`, `[{"Name": "v@d", "Attributes": {}}, "w@d"]`,
			`[{"Name": "v@d", "Attributes": {}} {"Name": "w@d", "Attributes": {}}]`, `[{"Error": "a"}]`,
		},
		"volume": {
			`{"created by VM": "a", "created": "b", "status": "lost", "capacity": {"size": "1", "allocated": "1"}, "datastore": "d"}`,
			`{"created by VM": "a", "created": "b", "status": "detached", "capacity": {"size": "1", "allocated": "1"}, "datastore": ""}`,
			`{"created by VM": "a", "created": "b", "status": "detached", "capacity": {"size": "1"}, "datastore": "d"}`,
			`{"created by VM": "a", "created": "b", "status": "detached", "capacity": {"size": 1, "allocated": "1"}, "datastore": "d"}`,
		},
	} {
		for _, text := range texts {
			requireBad(t, replyParsers[cmd]([]byte(text)), "%s: %s", cmd, text)
		}
	}
}

func TestBadReplyError(t *testing.T) {
	_, err := wire.ParseDevice([]byte(`{"Unit": "0"}`))
	require.EqualError(t, err,
		`wire: bad reply: no "ControllerPciSlotNumber" at byte 13: "{\"Unit\": \"0\"}"`)
	long := `{"` + strings.Repeat("k", 5000) + `": 1}`
	var bad *wire.BadReplyError
	require.ErrorAs(t, wire.ParseNull([]byte(long)), &bad)
	require.Equal(t, long[:80], bad.Reply)
	_, err = wire.ParseDevice([]byte(long))
	require.Less(t, len(err.Error()), 200)
}

func TestDecodedValuesDoNotAlias(t *testing.T) {
	text := goldenText(t, "reply-volume")
	v, _, err := wire.ParseVolume(text)
	require.NoError(t, err)
	clear(text)
	require.Equal(t, goldenVolume, v)
}

// The encoders of replies and the strict readers agree, whatever the text; and the text is ASCII JSON.
func TestRepliesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.StringN(1, -1, -1)
		text := some.Draw(t, "text")
		d := wire.Device{
			Unit:                    some.Draw(t, "unit"),
			ControllerPciSlotNumber: some.Draw(t, "slot"),
			ControllerPciBusNumber:  some.Draw(t, "bus"),
		}
		v := goldenVolume
		v.CreatedBy, v.Datastore, v.Device = rapid.String().Draw(t, "by"), some.Draw(t, "ds"), &d
		v.Policy, v.FSType = rapid.String().Draw(t, "policy"), rapid.String().Draw(t, "fs")
		if rapid.Bool().Draw(t, "detached") {
			v.Status, v.AttachedTo, v.Device = "detached", "", nil
		}
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) wire.Listed {
			l := wire.Listed{Name: some.Draw(t, "name"), Attributes: rapid.MapOf(some, some).Draw(t, "attributes")}
			if len(l.Attributes) == 0 {
				l.Attributes = nil
			}
			return l
		})).Draw(t, "list")
		plain := func(b []byte) []byte {
			require.True(t, json.Valid(b), "%s", b)
			for _, c := range b {
				require.True(t, ' ' <= c && c <= '~', "%q", b)
			}
			return b
		}

		var reply *wire.ErrorReply
		require.ErrorAs(t, wire.ParseNull(plain(wire.AppendError(nil, text))), &reply)
		require.Equal(t, text, reply.Error())
		gotDevice, err := wire.ParseDevice(plain(wire.AppendDevice(nil, d)))
		require.NoError(t, err)
		require.Equal(t, d, gotDevice)
		gotList, err := wire.ParseList(plain(wire.AppendList(nil, list)))
		require.NoError(t, err)
		require.True(t, slices.EqualFunc(list, gotList, func(a, b wire.Listed) bool {
			return a.Name == b.Name && maps.Equal(a.Attributes, b.Attributes)
		}))
		gotVolume, known, err := wire.ParseVolume(plain(wire.AppendVolume(nil, v)))
		require.NoError(t, err)
		require.True(t, known)
		require.Equal(t, v, gotVolume)
		version, err := wire.ParseVersion(plain(wire.AppendVersion(nil, text)))
		require.NoError(t, err)
		require.Equal(t, text, version)
	})
}

func FuzzReply(f *testing.F) {
	for name := range goldenErrors {
		f.Add(goldenText(f, name))
	}
	for _, name := range []string{"null", "device", "list", "list-empty", "volume", "version"} {
		f.Add(goldenText(f, "reply-"+name))
	}
	for _, text := range neverGood {
		f.Add([]byte(text))
	}
	f.Add([]byte(`[{"Name": "a\ud83d\udcbe", "Attributes": {"b": "c", "a": ""}}, {"Attributes": {}, "Name": "\\"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for cmd, again := range reencoders {
			first, err := again(text)
			if err == nil || isErrorReply(err) {
				if !json.Valid(text) || !json.Valid(first) {
					t.Fatalf("%s takes what is no JSON: %q, written as %q", cmd, text, first)
				}
				second, err2 := again(first)
				if (err == nil) != (err2 == nil) || !bytes.Equal(first, second) {
					t.Fatalf("%s: %q was written as %q (%v), then as %q (%v)", cmd, text, first, err, second, err2)
				}
				continue
			}
			var bad *wire.BadReplyError
			if !errors.As(err, &bad) || len(bad.Reply) > 80 || len(err.Error()) > 600 {
				t.Fatalf("%s: %q: %T %v", cmd, text, err, err)
			}
		}
	})
}

func isErrorReply(err error) bool {
	var reply *wire.ErrorReply
	return errors.As(err, &reply)
}

// reencoders read a reply and write what they have read.
var reencoders = map[string]func([]byte) ([]byte, error){
	"null": func(b []byte) ([]byte, error) {
		return reencode(wire.AppendNull(nil), wire.ParseNull(b))
	},
	"device": func(b []byte) ([]byte, error) {
		d, err := wire.ParseDevice(b)
		return reencode(wire.AppendDevice(nil, d), err)
	},
	"list": func(b []byte) ([]byte, error) {
		l, err := wire.ParseList(b)
		return reencode(wire.AppendList(nil, l), err)
	},
	"volume": func(b []byte) ([]byte, error) {
		v, known, err := wire.ParseVolume(b)
		if err == nil && !known {
			return wire.AppendNull(nil), nil
		}
		return reencode(wire.AppendVolume(nil, v), err)
	},
	"version": func(b []byte) ([]byte, error) {
		v, err := wire.ParseVersion(b)
		return reencode(wire.AppendVersion(nil, v), err)
	},
}

func reencode(success []byte, err error) ([]byte, error) {
	var reply *wire.ErrorReply
	if errors.As(err, &reply) {
		return wire.AppendError(nil, reply.Text), err
	}
	return success, err
}

func BenchmarkParseDevice(b *testing.B) {
	text := goldenText(b, "reply-device")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.ParseDevice(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseVolume(b *testing.B) {
	text := goldenText(b, "reply-volume")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.ParseVolume(text); err != nil {
			b.Fatal(err)
		}
	}
}
