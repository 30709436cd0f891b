package host

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vmdkvol/esxsim"
)

const (
	sector = 512
	// maxDescriptor is in bytes; a larger file is no descriptor (docs/original.md §2.5), and no data file is smaller.
	maxDescriptor = 5000
	minDisk       = 8 << 10
)

// descriptor is the small text file that makes a virtual disk (docs/original.md §2.5).
type descriptor struct {
	id     string // ddb.uuid.image: 32 hexadecimal digits
	size   int64  // bytes
	format esxsim.Format
}

func newDescriptor(size int64, format esxsim.Format) descriptor {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return descriptor{id: fmt.Sprintf("%x", id), size: size, format: format}
}

// text is the descriptor as ESX would write it, for a disk whose data is in the file called data.
func (d descriptor) text(data string) []byte {
	var cid [4]byte
	_, _ = rand.Read(cid[:])
	thin := ""
	if d.format == esxsim.Thin {
		thin = "ddb.thinProvisioned = \"1\"\n"
	}
	const heads, sectors = 255, 63
	return fmt.Appendf(nil, `# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=%08x
parentCID=ffffffff
isNativeSnapshot="no"
createType="vmfs"

# Extent description
RW %d VMFS "%s"

# The Disk Data Base
#DDB

ddb.adapterType = "buslogic"
ddb.geometry.cylinders = "%d"
ddb.geometry.heads = "%d"
ddb.geometry.sectors = "%d"
%sddb.uuid.image = "%s"
ddb.virtualHWVersion = "10"
ddb.vmdkvol.diskformat = "%s"
`,
		binary.LittleEndian.Uint32(cid[:])&^1, d.size/sector, quotable(data),
		max(1, d.size/sector/(heads*sectors)), heads, sectors, thin, d.id, d.format)
}

// quotable replaces what would break the line or end the quote, in the way of VMware's files. We never read it back.
func quotable(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c < ' ' || c == '"' || c == '|' || c == 0x7f {
			fmt.Fprintf(&b, "|%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

var errNoDescriptor = errors.New("not a descriptor of a virtual disk")

// parseDescriptor reads what [descriptor.text] wrote. It does not look at the names of extents.
func parseDescriptor(text []byte) (descriptor, error) {
	if !bytes.HasPrefix(text, []byte("# Disk DescriptorFile")) {
		return descriptor{}, errNoDescriptor
	}
	d := descriptor{format: esxsim.ZeroedThick}
	for line := range strings.SplitSeq(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if extent := strings.Fields(line); len(extent) >= 4 && extent[0] == "RW" && d.size == 0 {
			n, err := strconv.ParseInt(extent[1], 10, 64)
			if err != nil || n <= 0 || n > 1<<53 {
				return descriptor{}, fmt.Errorf("%w: extent of %.20q sectors", errNoDescriptor, extent[1])
			}
			d.size = n * sector
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.TrimSpace(key) {
		case "ddb.uuid.image":
			d.id = value
		case "ddb.thinProvisioned":
			if value == "1" {
				d.format = esxsim.Thin
			}
		case "ddb.vmdkvol.diskformat":
			switch f := esxsim.Format(value); f {
			case esxsim.Thin, esxsim.ZeroedThick, esxsim.EagerZeroedThick:
				d.format = f
			}
		}
	}
	if d.size == 0 || d.id == "" {
		return descriptor{}, fmt.Errorf("%w: it has no extent or no uuid", errNoDescriptor)
	}
	return d, nil
}
