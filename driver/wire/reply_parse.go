package wire

import (
	"strings"
)

// quoted is how many bytes of a bad reply its error repeats.
const quoted = 80

// ParseNull reads the reply to create, remove and detach. It returns nil for null, *ErrorReply for an error text, and
// *BadReplyError for anything else.
func ParseNull(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	p := parser{s: string(text)}
	if err := p.errorReply(); err != nil {
		return err
	}
	if !p.null() {
		p.fail("want null")
	}
	return p.finish()
}

// ParseDevice reads the reply to attach. The error is an *ErrorReply or a *BadReplyError.
func ParseDevice(text []byte) (Device, error) {
	p := parser{s: string(text)}
	if err := p.errorReply(); err != nil {
		return Device{}, err
	}
	d := p.device()
	if err := p.finish(); err != nil {
		return Device{}, err
	}
	return d, nil
}

// ParseList reads the reply to list, in the service's order. The error is an *ErrorReply or a *BadReplyError.
func ParseList(text []byte) ([]Listed, error) {
	p := parser{s: string(text)}
	if err := p.errorReply(); err != nil {
		return nil, err
	}
	var list []Listed
	p.open('[')
	for first := true; p.more(first, ']'); first = false {
		list = append(list, p.listed())
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return list, nil
}

// ParseVolume reads the reply to get. known is false for null: the volume exists, but its metadata or size cannot be
// read. Fields that get does not have today are skipped. The error is an *ErrorReply or a *BadReplyError.
func ParseVolume(text []byte) (v Volume, known bool, err error) {
	p := parser{s: string(text)}
	if err := p.errorReply(); err != nil {
		return Volume{}, false, err
	}
	if !p.null() {
		known = true
		v = p.volume()
	}
	if err := p.finish(); err != nil {
		return Volume{}, false, err
	}
	return v, known, nil
}

// ParseVersion reads the reply to version. The error is an *ErrorReply or a *BadReplyError.
func ParseVersion(text []byte) (string, error) {
	p := parser{s: string(text)}
	if err := p.errorReply(); err != nil {
		return "", err
	}
	var v [1]string
	p.strings(versionFields, v[:])
	if err := p.finish(); err != nil {
		return "", err
	}
	return v[0], nil
}

// The keys of replies, required ones first, in the order of the struct types.
var (
	versionFields  = []string{"version"}
	deviceFields   = []string{"Unit", "ControllerPciSlotNumber", "ControllerPciBusNumber"}
	listedFields   = []string{"Name", "Attributes"}
	capacityFields = []string{"size", "allocated"}
	volumeFields   = []string{
		"created by VM", "created", "status", "capacity", "datastore", "attached to VM", "attachedVMDevice",
		"fstype", "vsan-policy-name", "diskformat", "attach-as", "access", "clone-from",
	}
)

// errorReply returns nil, with nothing read, if the reply is not an object that begins with a key Error in any case;
// then the caller reads the success of its command, where such a key is a problem.
func (p *parser) errorReply() error {
	if p.peek() != '{' {
		return nil
	}
	start := p.i
	p.i++
	if p.peek() != '"' {
		p.i = start
		return nil
	}
	k := p.key()
	if p.failed() || !strings.EqualFold(k, "Error") {
		p.i, p.problem = start, "" // the caller meets the same problem again
		return nil
	}
	if k != "Error" {
		p.fail(`"Error" in another case`)
	}
	text := p.str()
	if text == "" {
		p.fail("empty error text")
	}
	if p.more(false, '}') {
		p.fail(`"Error" beside other fields`)
	}
	if err := p.finish(); err != nil {
		return err
	}
	return &ErrorReply{Text: text}
}

// null reads null if it is next.
func (p *parser) null() bool {
	p.peek()
	if !strings.HasPrefix(p.s[p.i:], "null") {
		return false
	}
	p.i += len("null")
	return true
}

func (p *parser) device() (d Device) {
	var v [3]string
	p.strings(deviceFields, v[:])
	return Device{Unit: v[0], ControllerPciSlotNumber: v[1], ControllerPciBusNumber: v[2]}
}

// strings reads an object that has exactly these keys, each with a string that is not empty.
func (p *parser) strings(names, values []string) {
	var seen uint
	p.open('{')
	for first := true; p.more(first, '}'); first = false {
		at := p.field(names, &seen)
		if at < 0 {
			p.fail("unknown field")
			return
		}
		if values[at] = p.str(); values[at] == "" {
			p.fail("empty string")
		}
	}
	p.require(names, len(names), seen)
}

func (p *parser) listed() (l Listed) {
	var seen uint
	p.open('{')
	for first := true; p.more(first, '}'); first = false {
		switch p.field(listedFields, &seen) {
		case 0:
			if l.Name = p.str(); l.Name == "" {
				p.fail("empty name")
			}
		case 1:
			l.Attributes = p.stringMap()
		default:
			p.fail("unknown field")
		}
	}
	p.require(listedFields, len(listedFields), seen)
	return l
}

// stringMap reads an object of strings; nil if it is empty. Two equal keys are a problem.
func (p *parser) stringMap() (m map[string]string) {
	p.open('{')
	for first := true; p.more(first, '}'); first = false {
		k := p.key()
		v := p.str()
		if _, dup := m[k]; dup {
			p.fail("second key of a name")
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[k] = v
	}
	return m
}

func (p *parser) volume() (v Volume) {
	var seen uint
	p.open('{')
	for first := true; p.more(first, '}'); first = false {
		switch p.field(volumeFields, &seen) {
		case 0:
			v.CreatedBy = p.str()
		case 1:
			v.Created = p.str()
		case 2:
			if v.Status = p.str(); v.Status != "attached" && v.Status != "detached" {
				p.fail("unknown status")
			}
		case 3:
			v.Capacity = p.capacity()
		case 4:
			if v.Datastore = p.str(); v.Datastore == "" {
				p.fail("empty datastore")
			}
		case 5:
			v.AttachedTo = p.str()
		case 6:
			d := p.device()
			v.Device = &d
		case 7:
			v.FSType = p.str()
		case 8:
			v.Policy = p.str()
		case 9:
			v.DiskFormat = p.str()
		case 10:
			v.AttachAs = p.str()
		case 11:
			v.Access = p.str()
		case 12:
			v.CloneFrom = p.str()
		default:
			p.skip(0)
		}
	}
	p.require(volumeFields, 5, seen)
	return v
}

func (p *parser) capacity() (c Capacity) {
	var seen uint
	p.open('{')
	for first := true; p.more(first, '}'); first = false {
		switch p.field(capacityFields, &seen) {
		case 0:
			c.Size = p.str()
		case 1:
			c.Allocated = p.str()
		default:
			p.skip(0)
		}
	}
	p.require(capacityFields, len(capacityFields), seen)
	return c
}

// finish reads the end of the reply and returns its problem, if any.
func (p *parser) finish() error {
	p.end()
	if !p.failed() {
		return nil
	}
	head := p.s[:min(len(p.s), quoted)]
	return &BadReplyError{Problem: p.problem, Reply: strings.Clone(head)}
}
