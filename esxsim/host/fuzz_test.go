package host_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim/host"
)

// FuzzService lets two VMs send what the bytes say to hosts in memory and in directories, and looks at the whole state
// after each request. A script is a byte of settings and then steps, each of a byte that says who does what and the bytes
// that this takes; see script.step.
func FuzzService(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxScript {
			return
		}
		var said [2][]string
		for i, memory := range []bool{true, false} {
			s := &script{rest: data}
			fixed, planted := s.settings()
			w := newTested(t, memory, fixed, planted)
			for range maxSteps {
				if !s.step(w) {
					break
				}
				w.check()
			}
			w.end()
			said[i] = w.said
		}
		alike(t, said[0], said[1])
	})
}

const (
	maxScript = 4096
	maxSteps  = 24
)

// What scripts choose from. A raw step says anything else.
var (
	vms     = []string{"vm1", "vm2"}
	volumes = []string{
		"v", "w", "V", "", "..", "../x", "v-flat", "v.vmdk", "v*", "v-000001", "x\x00", "\ufffd",
		string(bytes.Repeat([]byte("\U0001f4be"), 60)), string(bytes.Repeat([]byte("\U0001f4be"), 62)),
		"linked", "linkeddata", "linkedmeta", "up", "piped", "pipeddata", "pipedmeta", "folder",
	}
	datastores = []string{"", "", "@", "@ds1", "@DS1", "@ds2", "@_VM_DS", "@_ALL_DS", "@..", "@nope"}
	commands   = []wire.Command{wire.Create, wire.Get, wire.Attach, wire.Detach, wire.Remove, wire.List, wire.GetVersion, "nonsense"}
	options    = []string{"size", "diskformat", "access", "attach-as", "fstype", "clone-from", "vsan-policy-name", "junk"}
	values     = []string{
		"1mb", "10mb", "0mb", "7tb", "99999999tb", "-1gb", "1", "thin", "zeroedthick", "eagerzeroedthick", "read-only",
		"independent_persistent", "persistent", "ext4", "", "v", "w@ds2", "v-flat",
	}
)

// script is a reader of the fuzzer's bytes.
type script struct{ rest []byte }

func (s *script) byte() int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b)
}

func (s *script) text() []byte {
	n := min(s.byte()<<4|s.byte()>>4, len(s.rest))
	text := s.rest[:n]
	s.rest = s.rest[n:]
	return text
}

func pick[T any](s *script, from []T) T { return from[s.byte()%len(from)] }

// settings of a host: its quirks, and whether files are planted in its directories.
func (s *script) settings() (fixed, planted bool) {
	b := s.byte()
	return b&1 != 0, b&2 != 0
}

// step does what the next bytes say; false if there are none.
func (s *script) step(w *tested) bool {
	if len(s.rest) == 0 {
		return false
	}
	b := s.byte()
	vm := vms[b&1]
	switch b >> 1 % 8 {
	default: // a request, with up to three options
		w.send(vm, wire.AppendFrame(nil, s.request(b>>4%4)))
	case 4: // any text as a request
		text := s.text()
		w.send(vm, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, wire.Magic), uint32(len(text)+1)), text, []byte{0})
	case 5: // any bytes
		w.send(vm, s.text())
	case 6: // a request that is cut off, or changed in one byte
		frame := wire.AppendFrame(nil, s.request(0))
		at := s.byte() % len(frame)
		if change := s.byte(); change != 0 {
			frame[at] ^= byte(change)
			at = len(frame)
		}
		w.send(vm, frame[:at])
	case 7:
		switch s.byte() % 3 {
		case 0:
			w.power(vm)
		case 1:
			w.restart()
		default:
			w.send(vm)
		}
	}
	return true
}

func (s *script) request(opts int) []byte {
	r := wire.Request{Cmd: pick(s, commands), Version: wire.Version}
	r.Details.Name = pick(s, volumes) + pick(s, datastores)
	for range opts {
		if r.Details.Opts == nil {
			r.Details.Opts = map[string]string{}
		}
		r.Details.Opts[pick(s, options)] = pick(s, values)
	}
	text, err := wire.AppendRequest(nil, r)
	if err != nil { // none of the texts above
		panic(err)
	}
	return text
}

// connection gives bytes and keeps what is written; nobody waits.
type connection struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (c *connection) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *connection) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (*connection) Close() error                       { return nil }
func (*connection) LocalAddr() net.Addr                { return nil }
func (*connection) RemoteAddr() net.Addr               { return nil }
func (*connection) SetDeadline(time.Time) error        { return nil }
func (*connection) SetReadDeadline(t time.Time) error  { return nil }
func (*connection) SetWriteDeadline(t time.Time) error { return nil }

// tested is a host with two VMs and two datastores, and what is known of it.
type tested struct {
	t            testing.TB
	h            *host.Host
	config       host.Config
	fixed        bool
	off          map[string]bool
	parent       string // "" if the datastores are in memory
	before       map[string]string
	plantedFiles map[string]bool
	openFiles    int
	said         []string // all replies, until the two kinds of hosts are no longer alike
	apart        bool
	stopPatience context.CancelFunc
	patient      context.Context
}

func newTested(t testing.TB, memory, fixed, planted bool) *tested {
	w := &tested{t: t, fixed: fixed, off: map[string]bool{}, plantedFiles: map[string]bool{}, openFiles: countFiles(t)}
	w.patient, w.stopPatience = context.WithTimeout(context.Background(), time.Minute) // a lock that is never given back
	quirks := "faithful,clone-deadlock=off"                                            // that would be such a lock
	if fixed {
		quirks = "fixed"
	}
	var err error
	w.config.Quirks, err = host.ParseQuirks(quirks)
	require.NoError(t, err)
	w.config.VMs = []host.VM{{Name: "vm1"}, {Name: "vm2", Home: "ds2"}}
	w.config.Datastores = []host.Datastore{{Name: "ds1"}, {Name: "ds2"}}
	if !memory {
		w.parent = scratch(t)
		for i, ds := range w.config.Datastores {
			w.config.Datastores[i].Dir = filepath.Join(w.parent, ds.Name)
		}
	}
	w.open()
	w.apart = planted
	if planted && !memory {
		outside := filepath.Join(w.parent, "outside")
		require.NoError(t, os.Mkdir(outside, 0o700))
		plant(t, w.inside("ds1"), outside)
		for _, name := range filesInside(t, w.inside("ds1")) {
			w.plantedFiles[name] = true
		}
	}
	if !memory {
		w.before = snapshot(t, w.parent, w.inside("ds1"), w.inside("ds2"))
	}
	return w
}

// scratch is a directory in memory, if the machine has that: nothing here is about power cuts.
func scratch(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "vmdkvol-fuzz-") //nolint:usetesting // another directory than TempDir's
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (w *tested) inside(ds string) string { return group(filepath.Join(w.parent, ds)) }

func (w *tested) open() {
	var err error
	w.h, err = host.Open(w.config)
	require.NoError(w.t, err)
	if w.parent != "" {
		w.h.NoSpace()
	}
}

// send is one connection. A frame that is whole is answered in JSON and ASCII, and nothing else is answered.
func (w *tested) send(vm string, parts ...[]byte) (reply []byte) {
	in := bytes.Join(parts, nil)
	c := &connection{in: bytes.NewReader(in)}
	err := w.h.ServeConn(w.patient, vm, c)
	_, bad := wire.ReadFrame(bytes.NewReader(in), wire.MaxRequest)
	if bad != nil {
		require.Zero(w.t, c.out.Len(), "%q was answered: %q", in, c.out.Bytes())
		return nil
	}
	require.NoError(w.t, err)
	reply, err = wire.ParseFrame(c.out.Bytes(), wire.MaxReply)
	require.NoError(w.t, err, "%q", in)
	w.checkReply(in, reply)
	if !w.apart {
		w.said = append(w.said, string(reply))
	}
	return reply
}

func (w *tested) power(vm string) {
	esx, _ := w.h.Service()
	if w.off[vm] {
		require.NoError(w.t, esx.PowerOn(w.t.Context(), vm))
	} else {
		require.NoError(w.t, esx.PowerOff(context.Background(), vm))
		require.Empty(w.t, esx.Plugged(vm))
	}
	w.off[vm] = !w.off[vm]
}

// restart ends the host and opens another one on its directories. All disks are out then.
func (w *tested) restart() {
	w.apart = true
	if w.parent == "" {
		return
	}
	require.NoError(w.t, w.h.Close())
	w.open()
	clear(w.off)
	esx, _ := w.h.Service()
	for _, vm := range vms {
		require.Empty(w.t, esx.Plugged(vm))
	}
}

func (w *tested) end() {
	w.stopPatience()
	require.NoError(w.t, w.h.Close())
	if w.parent != "" {
		require.Equal(w.t, w.before, snapshot(w.t, w.parent, w.inside("ds1"), w.inside("ds2")), "something outside has changed")
		require.NoError(w.t, os.RemoveAll(w.parent))
	}
	require.Equal(w.t, w.openFiles, countFiles(w.t), "open files")
}
