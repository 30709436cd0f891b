package driver

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of names, in characters and in bytes. The service allows 100 characters in each part; a mountpoint and the
// service's files for a volume are single path elements of at most 255 bytes (docs/original.md §2.3, §2.5).
const (
	maxNameChars     = 100
	maxNameBytes     = 255
	maxVolumeBytes   = maxNameBytes - len("-0123456789abcdef.vmfd")
	replacementRune  = utf8.RuneError
	datastoreMarker  = "@"
	vmdkSuffixInName = ".vmdk"
)

// name is a volume's name as a caller gave it, split at the last "@". An empty datastore means the default one.
type name struct {
	given     string
	volume    string
	datastore string
}

// reserved are endings that ESX uses for files of its own beside a volume's (docs/original.md §2.3, D20).
var reservedSuffixes = []string{"-flat", "-delta", "-ctk", "-digest"}

// snapshot reports whether a name ends as ESX names a snapshot: in a dash and six digits.
func snapshot(v string) bool {
	const suffix = len("-000000")
	if len(v) < suffix || v[len(v)-suffix] != '-' {
		return false
	}
	return strings.Trim(v[len(v)-suffix+1:], "0123456789") == ""
}

// parseName refuses every name that could leave its directory or mean another file, before any path is built from it.
// Docker on Linux passes names unchecked.
func parseName(given string) (name, error) {
	n := name{given: given, volume: given}
	if i := strings.LastIndex(given, datastoreMarker); i >= 0 {
		n.volume, n.datastore = given[:i], given[i+1:]
	}
	if err := checkVolume(n.volume); err != nil {
		return name{}, because(BadName, err)
	}
	if err := checkPart("datastore name", n.datastore); err != nil {
		return name{}, because(BadName, err)
	}
	if len(given) > maxNameBytes {
		return name{}, because(BadName, fmt.Errorf("the name is %d bytes long, the most is %d", len(given), maxNameBytes))
	}
	return n, nil
}

func checkVolume(v string) error {
	switch {
	case v == "":
		return errors.New("the volume name is empty")
	case v == "." || v == "..":
		return fmt.Errorf("%q is not a volume name", v)
	case snapshot(v):
		return errors.New("volume names that end in - and six digits are reserved for snapshots")
	case strings.Contains(v, ".") && strings.Contains(strings.ToLower(v), vmdkSuffixInName):
		return errors.New("volume names with .vmdk in them are not supported")
	case len(v) > maxVolumeBytes:
		return fmt.Errorf("the volume name is %d bytes long, the most is %d", len(v), maxVolumeBytes)
	}
	for _, s := range reservedSuffixes {
		if strings.HasSuffix(v, s) {
			return fmt.Errorf("volume names that end in %s are reserved for files of ESX", s)
		}
	}
	return checkPart("volume name", v)
}

func checkPart(what, s string) error {
	if n := utf8.RuneCountInString(s); n > maxNameChars {
		return fmt.Errorf("the %s is %d characters long, the most is %d", what, n, maxNameChars)
	}
	for _, r := range s {
		switch {
		case r == replacementRune:
			return fmt.Errorf("the %s is not valid UTF-8", what)
		case r == '/' || r == '\\':
			return fmt.Errorf("the %s contains %q", what, r)
		case unicode.IsControl(r):
			return fmt.Errorf("the %s contains the control character %U", what, r)
		}
	}
	return nil
}

// fullName is the canonical name of a volume whose datastore ESX has answered.
func fullName(volume, datastore string) (string, error) {
	if datastore == "" {
		return "", because(Doubt, errors.New("the service did not say on which datastore the volume is"))
	}
	if err := checkPart("datastore name", datastore); err != nil {
		return "", because(Doubt, fmt.Errorf("the service answered a datastore that cannot be: %w", err))
	}
	return volume + datastoreMarker + datastore, nil
}
