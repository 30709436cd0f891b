package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/driver/wire"
)

// request is how the original declares its request; encoding/json then is the oracle.
type request struct {
	Cmd     string `json:"cmd"`
	Details struct {
		Name string            `json:"Name"`
		Opts map[string]string `json:"Opts,omitempty"`
	} `json:"details"`
	Version string `json:"version,omitempty"`
}

func TestAppendRequestIsGoJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		var want request
		want.Cmd = text.Draw(t, "cmd")
		want.Details.Name = text.Draw(t, "name")
		want.Details.Opts = rapid.MapOfN(text, text, -1, 20).Draw(t, "opts")
		want.Version = text.Draw(t, "version")
		oracle, err := json.Marshal(want)
		require.NoError(t, err)

		r := wire.Request{Cmd: wire.Command(want.Cmd), Version: want.Version}
		r.Details.Name, r.Details.Opts = want.Details.Name, want.Details.Opts
		got, err := wire.AppendRequest([]byte("before"), r)
		if len(oracle) > wire.MaxRequest-1 {
			require.ErrorIs(t, err, wire.ErrTooLarge)
			require.Equal(t, "before", string(got))
			return
		}
		require.NoError(t, err)
		require.Equal(t, "before"+string(oracle), string(got))
	})
}

func TestAppendRequestEscapes(t *testing.T) {
	name := "<a>&\u2028\u2029\"\\/\b\f\n\r\t\x00\x1f\x7fä日\U0001F4BE"
	got, err := wire.AppendRequest(nil, wire.Request{Cmd: wire.Get, Details: wire.Details{Name: name}})
	require.NoError(t, err)
	require.Equal(t, `{"cmd":"get","details":{"Name":"\u003ca\u003e\u0026\u2028\u2029\"\\/\b\f\n\r\t\u0000\u001f`+
		"\x7fä日\U0001F4BE"+`"}}`, string(got))
}

func TestAppendRequestLimit(t *testing.T) {
	r := wire.Request{Cmd: wire.Get, Version: wire.Version}
	empty, err := wire.AppendRequest(nil, r)
	require.NoError(t, err)

	r.Details.Name = strings.Repeat("x", wire.MaxRequest-1-len(empty))
	text, err := wire.AppendRequest(nil, r)
	require.NoError(t, err)
	require.Len(t, wire.AppendFrame(nil, text), wire.HeaderSize+wire.MaxRequest)

	r.Details.Name += "x"
	text, err = wire.AppendRequest([]byte("before"), r)
	require.ErrorIs(t, err, wire.ErrTooLarge)
	require.EqualError(t, err, "wire: too large: request of 4096 bytes, limit 4095")
	require.Equal(t, "before", string(text))
}

// Replacing a bad byte, as encoding/json does, would speak about another volume.
func TestAppendRequestRefusesWhatIsNotUTF8(t *testing.T) {
	bad := "v\xff"
	for _, r := range []wire.Request{
		{Cmd: wire.Command(bad)},
		{Version: bad},
		{Details: wire.Details{Name: bad}},
		{Details: wire.Details{Opts: map[string]string{bad: "v"}}},
		{Details: wire.Details{Opts: map[string]string{"k": bad}}},
	} {
		text, err := wire.AppendRequest([]byte("before"), r)
		require.ErrorIs(t, err, wire.ErrUTF8)
		require.Equal(t, "before", string(text))
	}
}

func TestParseRequest(t *testing.T) {
	get := wire.Request{Cmd: wire.Get, Details: wire.Details{Name: "v"}, Version: "2"}
	create := wire.Request{Cmd: wire.Create, Details: wire.Details{Name: "v", Opts: map[string]string{"size": "1gb"}}}
	versioned := func(v string) wire.Request { r := get; r.Version = v; return r }
	for text, want := range map[string]wire.Request{
		" {\t\"version\" : \"2\" ,\r\n\"details\":{ \"Name\" : \"v\" }, \"cmd\": \"get\" } ":             get,
		`{"cmd":"get","details":{"Name":"\u0076","Opts":null,"x":[1,{"y":[]}]},"version":2,"z":-1.5e+3}`: get,
		`{"cmd":"x","cmd":"get","details":{},"details":{"Name":"a","Name":"v"},"version":1,"version":2}`: get,
		`{"cmd":"get","CMD":"no","Details":0,"details":{"name":0,"Name":"v"},"version":"2"}`:             get,
		`{"cmd":"get","details":{"Name":"v","Opts":{"size":5}},"version":"2"}`:                           get,

		`{"cmd":"create","details":{"Name":"v","Opts":{"size":"1gb"}}}`: create,
		`{"cmd":"create","details":{"Name":"v","Opts":{"size":"1gb"}},"version":""}`: {
			Cmd: wire.Create, Details: create.Details, Version: `""`,
		},
		`{"cmd":"create","details":{"Name":"v","Opts":{}}}`:                {Cmd: wire.Create, Details: wire.Details{Name: "v"}},
		`{"cmd":"create","details":{"Name":"v","Opts":false}}`:             {Cmd: wire.Create, Details: wire.Details{Name: "v"}},
		`{"cmd":"create","details":{"Name":"v","Opts":{"a":5},"Opts":[]}}`: {Cmd: wire.Create, Details: wire.Details{Name: "v"}},
		`{"cmd":"version"}`:                             {Cmd: wire.GetVersion},
		`{"cmd":"version","version":"3","version":4.5}`: {Cmd: wire.GetVersion, Version: "4.5"},
		`{"cmd":"version","details":5}`:                 {Cmd: wire.GetVersion},
		`{"cmd":"version","details":{"Name":5}}`:        {Cmd: wire.GetVersion},

		`{"cmd":"get","details":{"Name":"v"}}`:                    versioned(""),
		`{"cmd":"get","details":{"Name":"v"},"version":-12}`:      versioned("-12"),
		`{"cmd":"get","details":{"Name":"v"},"version":"two"}`:    versioned("two"),
		`{"cmd":"get","details":{"Name":"v"},"version":2.0}`:      versioned("2.0"),
		`{"cmd":"get","details":{"Name":"v"},"version":null}`:     versioned("null"),
		`{"cmd":"get","details":{"Name":"v"},"version":[2, "x"]}`: versioned(`[2, "x"]`),

		`{"cmd":"get","details":{"Name":"\ud83d\udcbe\ud83d \udcbe\ud83d\u0041\/"}}`: {
			Cmd: wire.Get, Details: wire.Details{Name: "\U0001F4BE\ufffd \ufffd\ufffdA/"},
		},
	} {
		got, err := wire.ParseRequest([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseRequestErrors(t *testing.T) {
	missing := func(f string) error { return &wire.MissingFieldError{Field: f} }
	wrong := func(f, raw string) error { return &wire.FieldTypeError{Field: f, Raw: raw} }
	for text, want := range map[string]error{
		`{}`:                                                                missing("cmd"),
		`{"details":{"Name":"v"},"version":"3"}`:                            missing("cmd"),
		`{"Cmd":"get","details":{"Name":"v"}}`:                              missing("cmd"),
		`{"cmd":"get"}`:                                                     missing("details"),
		`{"cmd":"nonsense"}`:                                                missing("details"),
		`{"cmd":"get","details":{}}`:                                        missing("Name"),
		`{"cmd":"get","details":{"name":"v"}}`:                              missing("Name"),
		`{"cmd":"create","details":{"Opts":5}}`:                             missing("Name"),
		`{"cmd":"get","details":"x"}`:                                       wrong("details", `"x"`),
		`{"cmd":"get","details":{"Name":"v"},"details":[]}`:                 wrong("details", "[]"),
		`{"cmd":"get","details":{"Name":"v"},"details":{}}`:                 missing("Name"),
		`{"cmd":"create","details":{"Name":"v","Opts":"x"}}`:                wrong("Opts", `"x"`),
		`{"cmd":"create","details":{"Name":"v","Opts":{"a":null,"b":"c"}}}`: wrong("Opts", `{"a":null,"b":"c"}`),
		`null`:                                  wrong("", "null"),
		` [1, 2] `:                              wrong("", "[1, 2]"),
		`{"cmd":5}`:                             wrong("cmd", "5"),
		`{"cmd":"get","details":null}`:          wrong("details", "null"),
		`{"cmd":"get","details":{"Name":null}}`: wrong("Name", "null"),
		`{"cmd":"create","details":{"Name":"v","Opts":5}}`:         wrong("Opts", "5"),
		`{"cmd":"create","details":{"Name":"v","Opts":{"a":[5]}}}`: wrong("Opts", `{"a":[5]}`),
	} {
		_, err := wire.ParseRequest([]byte(text))
		require.Equal(t, want, err, text)
		require.NotEmpty(t, err.Error())
	}

	r, err := wire.ParseRequest([]byte(`{"details":{"Name":"v"},"version":"3"}`))
	require.Error(t, err)
	require.Equal(t, "3", r.Version, "the service checks the version before it looks for the command")
}

func TestParseRequestSyntax(t *testing.T) {
	whole := goldenText(t, "request-create")
	for n := range whole {
		_, err := wire.ParseRequest(whole[:n])
		var syntax *wire.SyntaxError
		require.ErrorAs(t, err, &syntax, "cut at %d", n)
	}
	for _, text := range invalidJSON {
		r, err := wire.ParseRequest([]byte(text))
		var syntax *wire.SyntaxError
		require.ErrorAs(t, err, &syntax, "%q", text)
		require.Zero(t, r, "%q", text)
	}
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	_, err := wire.ParseRequest([]byte(`{"cmd":"version","x":` + deep + `}`))
	var syntax *wire.SyntaxError
	require.ErrorAs(t, err, &syntax)
}

var invalidJSON = []string{
	``, ` `, `x`, `nul`, `{`, `{]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{1:2}`, `{"a":1 "b":2}`, `[1,]`, `[,]`, `[1 2]`, `[1}`,
	`"a`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\\n\n\"", "\"\xff\"", "\"\\n\xff\"", `01`, `-`, `-a`, `1.`, `.5`, `1e`, `1e+`,
	`+1`, `nullnull`, `{} {}`, "{}\x00", `NaN`, `'a'`, `{"a":tru}`, "\ufeff{}",
}

// The parser takes a request if and only if encoding/json takes it as JSON, and both read the same.
func FuzzRequest(f *testing.F) {
	for name := range goldenRequests {
		f.Add(goldenText(f, name))
	}
	for _, text := range invalidJSON {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"cmd":"create","details":{"Name":"\ud83d\udcbe\ud83d\u0041","Opts":{"a":"\"\\\/\b"}},"version":2.0}`))
	f.Add([]byte(`{"cmd":5,"details":[],"version":[true,false,null,-0.1e-1]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := wire.ParseRequest(text)
		if _, isSyntax := errors.AsType[*wire.SyntaxError](err); isSyntax == (json.Valid(text) && validUTF8InStrings(text)) {
			t.Fatalf("json.Valid says %v of %q; ParseRequest: %v", json.Valid(text), text, err)
		}
		if err != nil {
			return
		}
		first, err := wire.AppendRequest(nil, r)
		if err != nil {
			return // escapes grew beyond the limit
		}
		again, err := wire.ParseRequest(first)
		if err != nil {
			t.Fatalf("%q was read, written as %q, and not read: %v", text, first, err)
		}
		second, err := wire.AppendRequest(nil, again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%q was written as %q, then as %q, %v", text, first, second, err)
		}
		require.Equal(t, r, again)

		var oracle struct {
			Details map[string]json.RawMessage `json:"details"`
		}
		if json.Unmarshal(text, &oracle) == nil && oracle.Details["Name"] != nil && r.Cmd != wire.GetVersion {
			var members map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(text, &members))
			var details map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(members["details"], &details))
			var name string
			require.NoError(t, json.Unmarshal(details["Name"], &name))
			require.Equal(t, name, r.Details.Name)
		}
	})
}

// validUTF8InStrings: json.Valid does not look at bytes above 0x7f in strings, and refuses them elsewhere.
func validUTF8InStrings(text []byte) bool { return bytes.Equal(text, bytes.ToValidUTF8(text, nil)) }

func BenchmarkAppendRequest(b *testing.B) {
	for name, r := range map[string]wire.Request{
		"attach": goldenRequests["request-attach"],
		"create": goldenRequests["request-create"],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				var err error
				if dst, err = wire.AppendRequest(dst[:0], r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseRequest(b *testing.B) {
	text := goldenText(b, "request-attach")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.ParseRequest(text); err != nil {
			b.Fatal(err)
		}
	}
}
