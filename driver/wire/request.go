package wire

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Command is the verb of a request.
type Command string

// The commands of protocol version 2.
const (
	Create     Command = "create"
	Remove     Command = "remove"
	List       Command = "list"
	Get        Command = "get"
	Attach     Command = "attach"
	Detach     Command = "detach"
	GetVersion Command = "version"
)

// Request is one request of the guest.
type Request struct {
	Cmd     Command
	Details Details
	Version string // "" is left out; see [ParseRequest] for values that are no strings
}

// Details names the volume a request is about.
type Details struct {
	Name string            // "vol" or "vol@datastore"; list sends ""
	Opts map[string]string // left out if empty; only create uses it
}

// AppendRequest appends the JSON text of a request, without a frame: fields in the order cmd, details, version, options
// sorted (docs/original.md §1.6). It refuses text that is not UTF-8 (ErrUTF8) and text that does not fit into
// MaxRequest (ErrTooLarge); then it returns dst as it was.
func AppendRequest(dst []byte, r Request) ([]byte, error) {
	if !utf8.ValidString(string(r.Cmd)) || !utf8.ValidString(r.Details.Name) || !utf8.ValidString(r.Version) {
		return dst, fmt.Errorf("%w: request %q for volume %q", ErrUTF8, r.Cmd, r.Details.Name)
	}
	start := len(dst)
	b := append(dst, `{"cmd":`...)
	b = appendGo(b, string(r.Cmd))
	b = append(b, `,"details":{"Name":`...)
	b = appendGo(b, r.Details.Name)
	if len(r.Details.Opts) > 0 {
		b = append(b, `,"Opts":{`...)
		var room [16]string // more options than there are
		for i, k := range sortedKeys(room[:0], r.Details.Opts) {
			v := r.Details.Opts[k]
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return dst, fmt.Errorf("%w: option %q=%q of volume %q", ErrUTF8, k, v, r.Details.Name)
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = appendGo(b, k)
			b = append(b, ':')
			b = appendGo(b, v)
		}
		b = append(b, '}')
	}
	b = append(b, '}')
	if r.Version != "" {
		b = append(b, `,"version":`...)
		b = appendGo(b, r.Version)
	}
	b = append(b, '}')
	if n := len(b) - start; n > MaxRequest-1 {
		return dst, fmt.Errorf("%w: request of %d bytes, limit %d", ErrTooLarge, n, MaxRequest-1)
	}
	return b, nil
}

func sortedKeys(keys []string, m map[string]string) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
