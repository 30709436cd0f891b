package scenarios

import (
	"maps"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// codec is the drivers' codec of all runs of a script: the real one, which sees each text once.
type codec struct {
	vmdkops.Plain
	requests [16][]request // by what tells most of them apart, see codec.like
	nulls    map[string]error
	devices  map[string]device
	volumes  map[string]*described
}

type request struct {
	cmd           wire.Command
	name, version string
	opts          map[string]string
	text          []byte
}

type device struct {
	at  wire.Device
	err error
}

type described struct {
	volume wire.Volume
	known  bool
	err    error
}

var _ vmdkops.Codec = (*codec)(nil)

// mostTexts is how many texts of a kind are remembered before all are forgotten.
const mostTexts = 1 << 10

// mostRequests is how many requests are, of those that are alike: so few that they are found sooner without a map.
const mostRequests = 8

func remember[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil || len(*m) == mostTexts {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}

func (c *codec) Request(r wire.Request) ([]byte, error) {
	requests := c.like(&r)
	for i := range *requests {
		known := &(*requests)[i]
		if known.cmd == r.Cmd && known.name == r.Details.Name && known.version == r.Version && known.says(r.Details.Opts) {
			return known.text, nil
		}
	}
	text, err := c.Plain.Request(r)
	if err == nil {
		if len(*requests) == mostRequests {
			*requests = (*requests)[:0]
		}
		*requests = append(*requests, request{r.Cmd, r.Details.Name, r.Version, maps.Clone(r.Details.Opts), text})
	}
	return text, err
}

// like returns the requests whose commands begin, and whose names end as those of this one.
func (c *codec) like(r *wire.Request) *[]request {
	at := 0
	if len(r.Cmd) > 0 {
		at = int(r.Cmd[0])
	}
	if n := len(r.Details.Name); n > 0 {
		at += 5 * int(r.Details.Name[n-1])
	}
	return &c.requests[at%len(c.requests)]
}

// says reports whether a request has these options. Nearly all have none.
func (r *request) says(opts map[string]string) bool {
	return len(r.opts) == len(opts) && (len(opts) == 0 || maps.Equal(r.opts, opts))
}

func (c *codec) Null(reply []byte) error {
	err, known := c.nulls[string(reply)]
	if !known {
		err = c.Plain.Null(reply)
		remember(&c.nulls, string(reply), err)
	}
	return err
}

func (c *codec) Device(reply []byte) (wire.Device, error) {
	d, known := c.devices[string(reply)]
	if !known {
		d.at, d.err = c.Plain.Device(reply)
		remember(&c.devices, string(reply), d)
	}
	return d.at, d.err
}

func (c *codec) Volume(reply []byte) (wire.Volume, bool, error) {
	d := c.volumes[string(reply)]
	if d == nil {
		d = &described{}
		d.volume, d.known, d.err = c.Plain.Volume(reply)
		remember(&c.volumes, string(reply), d)
	}
	return d.volume, d.known, d.err
}
