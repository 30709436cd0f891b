package esxsim

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"vmdkvol/driver/wire"
)

// The continuation lines start with 36 spaces (docs/original.md §1.7).
const (
	mismatchIndent = "\n                                    "
	mismatchStart  = "There is a mismatch between VDVS client (Docker plugin) protocol version" + mismatchIndent + "("
	mismatchEnd    = ") and server (ESXi) protocol version (" + wire.Version + ") which indicates different" + mismatchIndent +
		"versions of the product are installed on Guest and ESXi sides," + mismatchIndent +
		"please make sure VDVS plugin and driver are from the same release version." + mismatchIndent
)

// request is a decoded request. It does not change once it is made, so that a [Memo] may hand it out many times.
type request struct {
	cmd    wire.Command
	op     string // name of the yield point, such as "esx.attach"
	name   string // details.Name as sent
	volume string // name up to the last "@"
	at     named  // name
	opts   map[string]string
	refuse string // the text to answer instead of executing
	// later is what quirk mismatch-executes does after it has answered refuse; nil if nothing.
	later *request
	// mistyped is the text for options that are no strings; the original stumbles over it late.
	mistyped string
}

// decode reads a request. What the original had no check for surfaces as an exception of its language; where
// docs/original.md §1.8 has no example of one, its text is only like the real one.
func decode(text []byte) *request {
	in, err := wire.ParseRequest(text)
	var syntax *wire.SyntaxError
	var missing *wire.MissingFieldError
	var mistyped *wire.FieldTypeError
	switch {
	case errors.As(err, &syntax):
		return &request{refuse: "Failed to parse json '" + reprBytes(text) + "'."}
	case errors.As(err, &mistyped) && mistyped.Field == "":
		return exception(typeError(mistyped.Raw))
	}
	if refused := checkVersion(in.Version, text); refused != nil {
		if err == nil && strings.HasPrefix(refused.refuse, mismatchStart) {
			refused.later = newRequest(in)
		}
		return refused
	}
	r := newRequest(in)
	switch {
	case errors.As(err, &missing):
		return exception("KeyError('" + missing.Field + "')")
	case mistyped != nil && mistyped.Field == "Opts":
		r.mistyped = "Server returned an error: TypeError('expected string or bytes-like object')"
	case mistyped != nil && mistyped.Field == "details":
		return exception(typeError(mistyped.Raw))
	case err != nil:
		return exception("TypeError('expected string or bytes-like object')")
	}
	return r
}

func newRequest(in wire.Request) *request {
	r := &request{cmd: in.Cmd, op: operation(in.Cmd), name: in.Details.Name, opts: in.Details.Opts}
	r.at = parseName(r.name)
	r.volume = r.at.volume
	return r
}

func exception(text string) *request {
	return &request{refuse: "Server returned an error: " + text}
}

// typeError is what the original answers when it looks for a key in something that is no object.
func typeError(raw string) string {
	switch {
	case strings.HasPrefix(raw, "["):
		return "TypeError('list indices must be integers or slices, not str')"
	case strings.HasPrefix(raw, `"`):
		return "TypeError('string indices must be integers')"
	case raw == "null":
		return `TypeError("'NoneType' object is not subscriptable")`
	case raw == "true" || raw == "false":
		return `TypeError("'bool' object is not subscriptable")`
	default:
		return `TypeError("'int' object is not subscriptable")`
	}
}

// checkVersion returns the refusal of any version but 2; none at all is fine. Text is the request, which tells a number from
// the same digits as a string.
func checkVersion(version string, text []byte) *request {
	if version == "" || version == wire.Version {
		return nil
	}
	if version == `""` { // how ParseRequest tells an empty version from none
		version = ""
	}
	n, ok := new(big.Int).SetString(strings.TrimSpace(version), 10)
	switch {
	case !ok && notString(text):
		return unlikeInt(version)
	case !ok:
		return exception("ValueError(" + repr("invalid literal for int() with base 10: "+repr(version)) + ")")
	case n.String() == wire.Version:
		return nil
	}
	return &request{refuse: mismatchStart + n.String() + mismatchEnd}
}

// notString reports whether the version of a request is no string.
func notString(text []byte) bool {
	var r struct{ Version json.RawMessage }
	return json.Unmarshal(text, &r) == nil && len(r.Version) > 0 && r.Version[0] != '"'
}

// unlikeInt is what the original's int() makes of a version that is neither a string nor an integer: of a number what comes
// before its point, of true and false 1 and 0, of anything else nothing.
func unlikeInt(version string) *request {
	var whole string
	switch version {
	case "true":
		whole = "1"
	case "false":
		whole = "0"
	default:
		// Python's numbers with a point or an exponent are 64 bits, and infinite beyond them.
		f, err := strconv.ParseFloat(version, 64)
		switch {
		case errors.Is(err, strconv.ErrRange) && math.IsInf(f, 0):
			return exception("OverflowError('cannot convert float infinity to integer')")
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return exception("TypeError(" + repr("int() argument must be a string, a bytes-like object or a number") + ")")
		}
		n, _ := big.NewFloat(f).Int(nil)
		whole = n.String()
	}
	if whole == wire.Version {
		return nil
	}
	return &request{refuse: mismatchStart + whole + mismatchEnd}
}

// operation is the name of a command's yield point.
func operation(cmd wire.Command) string {
	switch cmd {
	case wire.Create:
		return "esx.create"
	case wire.Remove:
		return "esx.remove"
	case wire.List:
		return "esx.list"
	case wire.Get:
		return "esx.get"
	case wire.Attach:
		return "esx.attach"
	case wire.Detach:
		return "esx.detach"
	case wire.GetVersion:
		return "esx.version"
	default:
		return "esx.unknown"
	}
}
