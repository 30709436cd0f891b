package esxsim

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// The options of create (docs/original.md §2.6).
const (
	optSize       = "size"
	optPolicy     = "vsan-policy-name"
	optDiskFormat = "diskformat"
	optAttachAs   = "attach-as"
	optAccess     = "access"
	optFSType     = "fstype"
	optCloneFrom  = "clone-from"
)

const (
	defaultSize     = "100mb"
	defaultAttachAs = "independent_persistent"
	defaultAccess   = "read-write"
	noClone         = "None"
)

const validOptions = "[('size', '100mb'), ('vsan-policy-name', '[VSAN default]'), ('diskformat', 'thin'), " +
	"('attach-as', 'independent_persistent'), ('access', 'read-write'), ('fstype', 'ext4'), ('clone-from', 'None')]"

// maxDiskSize is the largest disk that ESX makes, 62 TiB.
const maxDiskSize = 62 << 40

// checkOptions validates the options of create in the order of the original; the first failure wins. The policies are
// those of the datastore, nil if it is not vSAN.
func checkOptions(opts map[string]string, policies []string) (fault string) {
	if len(opts) == 0 {
		return ""
	}
	if unknown := unknownOptions(opts); unknown != nil {
		return "Invalid options: " + reprList(unknown) + " \nValid options and defaults: " + validOptions
	}
	_, clone := opts[optCloneFrom]
	if v, ok := opts[optSize]; ok {
		if clone {
			return "Cannot define the size for a clone"
		}
		if _, _, ok := splitSize(v); !ok {
			return "Invalid format for size. \nValid sizes must be of form X[mMgGtT]b where X is an integer. Default = 100mb"
		}
	}
	if v, ok := opts[optPolicy]; ok {
		if fault := checkPolicy(v, policies); fault != "" {
			return fault
		}
	}
	if v, ok := opts[optDiskFormat]; ok {
		valid := []string{string(Thin), string(ZeroedThick), string(EagerZeroedThick)}
		if !slices.Contains(valid, v) {
			return "Disk Allocation Format '" + v + "' is not supported. Valid options are: " + reprList(valid) + "."
		}
	}
	if v, ok := opts[optAttachAs]; ok {
		valid := []string{defaultAttachAs, "persistent"}
		if !slices.Contains(valid, v) {
			return "Attach type '" + v + "' is not supported. Valid options are: " + reprList(valid)
		}
	}
	if v, ok := opts[optAccess]; ok {
		valid := []string{defaultAccess, "read-only"}
		if !slices.Contains(valid, v) {
			return "Access type '" + v + "' is not supported. Valid options are: " + reprList(valid)
		}
	}
	if _, ok := opts[optFSType]; ok && clone {
		return "Cannot define the filesystem type for a clone"
	}
	return ""
}

func unknownOptions(opts map[string]string) (unknown []string) {
	order := metaOptionOrder()
	for key := range opts {
		if !slices.Contains(order[:], key) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// splitSize splits "<digits><unit>"; shift is the unit as a power of two of bytes.
func splitSize(s string) (digits string, shift uint, ok bool) {
	if len(s) < len("1mb") {
		return "", 0, false
	}
	digits, unit := s[:len(s)-2], strings.ToLower(s[len(s)-2:])
	switch unit {
	case "mb":
		shift = 20
	case "gb":
		shift = 30
	case "tb":
		shift = 40
	default:
		return "", 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return "", 0, false
		}
	}
	return digits, shift, true
}

// diskSize returns the size in bytes that validated options ask for, or what the disk API says to it.
func diskSize(opts map[string]string) (size int64, fault string) {
	text, ok := opts[optSize]
	if !ok {
		text = defaultSize
	}
	digits, shift, _ := splitSize(text)
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || n > math.MaxInt64>>shift || n<<shift > maxDiskSize:
		return 0, "Failed to create volume: the size " + text + " is more than the largest disk, 62tb"
	case n == 0:
		return 0, "Failed to create volume: A specified parameter was not correct: capacityKb"
	}
	return n << shift, ""
}
