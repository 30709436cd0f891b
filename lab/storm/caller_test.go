package storm_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
)

// volumes and the ways to name one. _VM_DS is the home datastore of the VM, and the default one.
var (
	volumes = []string{"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"}
	aliases = []string{"", "@", "@ds1", "@DS1", "@_VM_DS"}
)

// call has the fields of all requests.
type call struct {
	Name string
	ID   string            `json:",omitempty"`
	Opts map[string]string `json:",omitempty"`
}

// reply has the fields of all replies.
type reply struct {
	Mountpoint string
	Err        string
	Volume     *struct{ Name, Mountpoint string }
}

// entry is one reference that a caller holds.
type entry struct {
	volume, given, id  string
	mountpoint, diskID string
}

// caller is one goroutine of the storm, with the book of what it holds.
type caller struct {
	w      *world
	number int
	conn   net.Conn
	in     *bufio.Reader
	out    []byte
	rnd    *rand.Rand
	book   []entry
	object func(format string, args ...any)
	counts map[string]int // calls by name, failed ones with "!"
}

// dial opens the connection on which all calls of this caller go.
func (c *caller) dial() error {
	var err error
	if c.conn, err = net.Dial("unix", c.w.socket); err != nil {
		return err
	}
	c.in = bufio.NewReader(c.conn)
	return nil
}

// post makes one call. ok says that the plugin reported no error. The race detector makes net/http's client, with its two
// goroutines for each connection, as dear as all the rest, so requests are written by hand.
func (c *caller) post(op, name, id string, opts map[string]string) (r reply, ok bool) {
	body, _ := json.Marshal(call{name, id, opts}) // strings only: cannot fail
	c.out = fmt.Appendf(c.out[:0], "POST /VolumeDriver.%s HTTP/1.1\r\nHost: plugin\r\nContent-Length: %d\r\n\r\n%s",
		op, len(body), body)
	if _, err := c.conn.Write(c.out); err != nil {
		c.object("%s %s: %v", op, name, err)
		return r, false
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.object("%s %s: %v", op, name, err)
		return r, false
	}
	text, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(text, &r) != nil {
		c.object("%s %s: status %d, %q, %v", op, name, res.StatusCode, text, err)
		return r, false
	}
	if ok = r.Err == ""; ok != (res.StatusCode == http.StatusOK) {
		c.object("%s %s: status %d with error %q", op, name, res.StatusCode, r.Err)
	}
	if !ok {
		op += "!"
	}
	c.counts[op]++
	return r, ok
}

// step makes one random call and judges its answer.
func (c *caller) step() {
	volume := volumes[c.rnd.IntN(len(volumes))]
	given := volume + aliases[c.rnd.IntN(len(aliases))]
	// Held for a few calls only, so that volumes come and go all the time.
	if len(c.book) > 0 && c.rnd.IntN(100) < 60 {
		c.unmount(c.rnd.IntN(len(c.book)))
		return
	}
	switch n := c.rnd.IntN(100); {
	case n < 18:
		c.mount(volume, given)
	case n < 20: // an ID that holds nothing
		if _, ok := c.post("Unmount", given, "nobody", nil); !ok {
			c.object("unmount of an unknown ID failed")
		}
	case n < 24:
		c.create(given)
	case n < 28:
		c.remove(volume, given)
	case n < 40:
		c.get(volume, given)
	case n < 45:
		c.post("List", "", "", nil)
	case n < 85:
		c.path(volume, given)
	default:
		c.post("Capabilities", "", "", nil)
	}
}

func (c *caller) mount(volume, given string) {
	// Few IDs, so that some are mounted twice.
	id := strconv.Itoa(c.number) + "-" + strconv.Itoa(c.rnd.IntN(3))
	r, ok := c.post("Mount", given, id, nil)
	if !ok {
		if c.holds(volume) != nil {
			c.object("mount of %s failed while held: %s", given, r.Err)
		}
		return
	}
	m, there := c.w.guest.At(r.Mountpoint)
	if !there || m.Removed {
		c.object("mount of %s was answered %s, where the guest has %+v", given, r.Mountpoint, m)
		return
	}
	if h := c.holds(volume); h != nil && (h.mountpoint != r.Mountpoint || h.diskID != m.DiskID) {
		c.object("mount of %s: disk %s at %s, but held is %+v", given, m.DiskID, r.Mountpoint, *h)
	}
	c.book = append(c.book, entry{volume, given, id, r.Mountpoint, m.DiskID})
}

func (c *caller) unmount(i int) {
	e := c.book[i]
	m, there := c.w.guest.At(e.mountpoint)
	if !there || m.Removed || m.DiskID != e.diskID {
		c.object("before its unmount, %+v is not mounted any more, but %+v", e, m)
	}
	c.book = slices.Delete(c.book, i, i+1)
	if r, ok := c.post("Unmount", e.given, e.id, nil); !ok {
		c.object("unmount of %+v: %s", e, r.Err)
	}
}

func (c *caller) create(given string) {
	opts := map[string]string{"size": "300mb"}
	if c.rnd.IntN(4) == 0 {
		opts["fstype"] = "xfs"
	}
	c.post("Create", given, "", opts)
}

func (c *caller) remove(volume, given string) {
	if _, ok := c.post("Remove", given, "", nil); ok && c.holds(volume) != nil {
		c.object("removed %s, which is held", given)
	}
}

func (c *caller) get(volume, given string) {
	r, ok := c.post("Get", given, "", nil)
	switch h := c.holds(volume); {
	case ok && (r.Volume == nil || r.Volume.Name != given):
		c.object("get of %s answered %+v", given, r.Volume)
	case h != nil && !ok:
		c.object("get of %s failed while held: %s", given, r.Err)
	case h != nil && h.given == given && r.Volume.Mountpoint != h.mountpoint:
		c.object("get of %s says %q, held at %s", given, r.Volume.Mountpoint, h.mountpoint)
	}
}

func (c *caller) path(volume, given string) {
	r, ok := c.post("Path", given, "", nil)
	if h := c.holds(volume); ok && h != nil && h.given == given && r.Mountpoint != h.mountpoint {
		c.object("path of %s is %q, held at %s", given, r.Mountpoint, h.mountpoint)
	}
}

// holds returns one reference of this caller to a volume.
func (c *caller) holds(volume string) *entry {
	for i := range c.book {
		if c.book[i].volume == volume {
			return &c.book[i]
		}
	}
	return nil
}

// run makes calls until they are done or somebody objects, then gives back what it holds.
func (c *caller) run(calls int, failed func() bool) {
	if err := c.dial(); err != nil {
		c.object("%v", err)
		return
	}
	defer c.conn.Close()
	for range calls {
		if failed() {
			return
		}
		c.step()
	}
	for len(c.book) > 0 && !failed() {
		c.unmount(0)
	}
}
