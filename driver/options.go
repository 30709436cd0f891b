package driver

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The options of Create that the driver looks at; all others are the service's to judge (docs/original.md §2.6).
const (
	sizeOption   = "size"
	fstypeOption = "fstype"
	cloneOption  = "clone-from"

	defaultSize   = "100mb"
	defaultFstype = "ext4"
)

const mib = int64(1) << 20

// minimum is the smallest disk on which a file system can be made, in bytes: what mkfs.xfs and mkfs.btrfs refuse below; on
// less than 2 MiB mke2fs leaves the journal out, so that ext3 comes out as ext2, and ext4 does not survive a crash.
var minimum = map[string]int64{"xfs": 300 * mib, "btrfs": 109 * mib, "ext3": 2 * mib, "ext4": 2 * mib}

// options checks what the driver must know before ESX is asked and returns the options to send, with the file system
// filled in, and that file system.
func options(given map[string]string, supported []string) (opts map[string]string, fstype string, err error) {
	opts = make(map[string]string, len(given)+1)
	maps.Copy(opts, given)
	if _, clone := opts[cloneOption]; clone {
		return nil, "", because(BadOption, fmt.Errorf("option %s is not supported yet: a clone needs a new file-system UUID "+
			"before its first mount", cloneOption))
	}
	fstype, chosen := opts[fstypeOption]
	if !chosen {
		fstype = defaultFstype
		opts[fstypeOption] = fstype
	}
	if !slices.Contains(supported, fstype) {
		return nil, "", because(BadOption, fmt.Errorf("file system %q cannot be made here; there are: %s",
			fstype, strings.Join(supported, ", ")))
	}
	text, ok := opts[sizeOption]
	if !ok {
		text = defaultSize
	}
	size, err := parseSize(text)
	if err != nil {
		return nil, "", because(BadOption, err)
	}
	if least := minimum[fstype]; size < least {
		return nil, "", because(BadOption, fmt.Errorf("size %s is too small for %s, which needs at least %dmb",
			text, fstype, least/mib))
	}
	return opts, fstype, nil
}

// parseSize reads a number of mb, gb or tb, powers of 1024, and returns bytes.
func parseSize(text string) (int64, error) {
	number, unit := sizeUnit(strings.ToLower(text))
	if number == "" || strings.Trim(number, "0123456789") != "" || unit == 0 {
		return 0, fmt.Errorf("size %q is not a number followed by mb, gb or tb", text)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("size %s is larger than any disk", text)
	}
	if n == 0 {
		return 0, fmt.Errorf("size %s is no room at all", text)
	}
	return n * unit, nil
}

// sizeUnit splits a size into its number and its unit in bytes, which is 0 if there is none.
func sizeUnit(text string) (number string, unit int64) {
	if len(text) < 2 {
		return "", 0
	}
	number = text[:len(text)-2]
	switch text[len(text)-2:] {
	case "mb":
		return number, mib
	case "gb":
		return number, mib << 10
	case "tb":
		return number, mib << 20
	}
	return number, 0
}
