package esxsim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

func TestRequestTexts(t *testing.T) {
	h := newHost(t)
	mismatch := func(v string) string {
		pad := `\n` + strings.Repeat(" ", 36)
		return errorText("There is a mismatch between VDVS client (Docker plugin) protocol version" + pad +
			"(" + v + ") and server (ESXi) protocol version (2) which indicates different" + pad +
			"versions of the product are installed on Guest and ESXi sides," + pad +
			"please make sure VDVS plugin and driver are from the same release version." + pad)
	}
	server := func(exception string) string { return errorText("Server returned an error: " + exception) }
	for _, c := range []struct{ request, want string }{
		{`{"cmd":"version","version":"2"}`, `{"version": "0.21"}`},
		{`{"cmd":"version","version":2}`, `{"version": "0.21"}`},
		{`{"cmd":"version"}`, `{"version": "0.21"}`},
		{`{"cmd":"version","version":"1"}`, mismatch("1")},
		{`{"cmd":"create","details":{"Name":"v"},"version":3}`, mismatch("3")},
		{`{"version":"x"}`, server(`ValueError(\"invalid literal for int() with base 10: 'x'\")`)},
		{`{"version":"","cmd":"version"}`, server(`ValueError(\"invalid literal for int() with base 10: ''\")`)},
		{`{"version":" +2 ","cmd":"version"}`, `{"version": "0.21"}`},
		{`{"cmd":"get","details":"x"}`, server("TypeError('string indices must be integers')")},
		{``, errorText("Failed to parse json 'b'''.")},
		{`{"cmd"`, errorText(`Failed to parse json 'b'{\"cmd\"''.`)},
		{"it's \xff\n", errorText(`Failed to parse json 'b\"it's \\xff\\n\"'.`)},
		{`{}`, server("KeyError('cmd')")},
		{`{"cmd":"list"}`, server("KeyError('details')")},
		{`{"cmd":"list","details":{}}`, server("KeyError('Name')")},
		{`[]`, server("TypeError('list indices must be integers or slices, not str')")},
		{` null`, server(`TypeError(\"'NoneType' object is not subscriptable\")`)},
		{`{"cmd":"get","details":{"Name":7}}`, server("TypeError('expected string or bytes-like object')")},
		{`{"cmd":"create","details":{"Name":"v","Opts":{"size":5}}}`, server("TypeError('expected string or bytes-like object')")},
		{`{"cmd":"fly","details":{"Name":"v"}}`, errorText("Unknown command:fly")},
		{`{"cmd":"fly","details":{"Name":"a/b"}}`, errorText("'Volume name contains illegal characters: /'")},
		{`{"cmd":"remove","details":{"Name":"v","Opts":null},"version":"2"}`, null},
	} {
		require.Equal(t, c.want, h.raw("vm1", c.request), "request %s", c.request)
	}
	require.Empty(t, h.store.Disks())
	require.Equal(t, errorText("VM ghost is not on this host"), h.do("ghost", "get", "v", ""))
}

func TestNames(t *testing.T) {
	h := newHost(t)
	long := strings.Repeat("é", 100)
	for _, c := range []struct{ name, want string }{
		{"v-000001", errorText(`\"Volume names ending with '-NNNNNN' (where N is a digit) are not supported\"`)},
		{long + "x", errorText("'Volume name is too long (max len is 100)'")},
		{"a/b", errorText("'Volume name contains illegal characters: /'")},
		{`a\\b`, errorText("'Volume name contains illegal characters: /'")},
		{"v@" + long + "x", errorText("'Datastore name is too long (max len is 100)'")},
		{`v\u0000`, errorText("Server returned an error: ValueError('embedded null byte')")},
		{`v-000001\n`, errorText(`\"Volume names ending with '-NNNNNN' (where N is a digit) are not supported\"`)},
		{`a\n-000001`, null},
		{"v@" + long, errorText("Invalid datastore '" + strings.Repeat(`\u00e9`, 100) + `'.\nKnown datastores: DS2, ds1, ds3.\nDefault datastore: _VM_DS`)},
		{"v-00001", null},
		{"v-0000x1", null},
		{long, null},
		{"", null},
		{"..", null},
		{"volume with spaces", null},
		{`\ud83d\ude00`, null},
	} {
		got := h.raw("vm1", `{"cmd":"create","details":{"Name":"`+c.name+`"},"version":"2"}`)
		require.Equal(t, c.want, got, "name %q", c.name)
	}
	require.Len(t, h.store.Disks(), 8)
	require.Contains(t, h.do("vm1", "list", "", ""), `{"Name": "\ud83d\ude00@ds1", "Attributes": {}}`)
	require.Contains(t, h.do("vm1", "list", "", ""), `{"Name": "@ds1", "Attributes": {}}`)
}

func TestOptions(t *testing.T) {
	h := newHost(t)
	h.store.SetCapacity(4 << 40)
	badSize := errorText(`Invalid format for size. \nValid sizes must be of form X[mMgGtT]b where X is an integer. Default = 100mb`)
	defaults := "[('size', '100mb'), ('vsan-policy-name', '[VSAN default]'), ('diskformat', 'thin'), " +
		"('attach-as', 'independent_persistent'), ('access', 'read-write'), ('fstype', 'ext4'), ('clone-from', 'None')]"
	for _, c := range []struct{ opts, want string }{
		{`{"sise":"1gb","zzz":""}`, errorText(`Invalid options: ['sise', 'zzz'] \nValid options and defaults: ` + defaults)},
		{`{"size":"-1gb"}`, badSize},
		{`{"size":"1kb"}`, badSize},
		{`{"size":"1pb"}`, badSize},
		{`{"size":"mb"}`, badSize},
		{`{"size":"2"}`, badSize},
		{`{"size":""}`, badSize},
		{`{"size":"1.5gb"}`, badSize},
		{`{"size":" 1gb"}`, badSize},
		{`{"size":"0mb"}`, errorText("Failed to create volume: A specified parameter was not correct: capacityKb")},
		{`{"size":"99999999999tb"}`, errorText("Failed to create volume: the size 99999999999tb is more than the largest disk, 62tb")},
		{`{"size":"99999999999999999999999mb"}`, errorText("Failed to create volume: the size 99999999999999999999999mb is more than the largest disk, 62tb")},
		{`{"size":"63tb"}`, errorText("Failed to create volume: the size 63tb is more than the largest disk, 62tb")},
		{`{"size":"5tb"}`, errorText("Failed to create volume: Insufficient disk space on datastore 'ds1'.")},
		{`{"vsan-policy-name":"p","diskformat":"x"}`, errorText("Cannot use a VSAN policy on a non-VSAN datastore")},
		{`{"diskformat":"thiN","access":"x"}`, errorText("Disk Allocation Format 'thiN' is not supported. Valid options are: ['thin', 'zeroedthick', 'eagerzeroedthick'].")},
		{`{"attach-as":"x"}`, errorText("Attach type 'x' is not supported. Valid options are: ['independent_persistent', 'persistent']")},
		{`{"access":"ro"}`, errorText("Access type 'ro' is not supported. Valid options are: ['read-write', 'read-only']")},
		{`{"clone-from":"a","size":"1gb"}`, errorText("Cannot define the size for a clone")},
		{`{"clone-from":"a","fstype":"ext4"}`, errorText("Cannot define the filesystem type for a clone")},
		{`{"clone-from":"a"}`, errorText("Could not find volume for cloning a")},
	} {
		h.want(c.want, "vm1", "create", "v", c.opts)
		require.Empty(t, h.store.Disks(), "options %s left something", c.opts)
		_, ok := h.store.Meta("ds1", "v")
		require.False(t, ok)
	}
	for opts, want := range map[string]int64{
		`{"size":"2gB"}`: 2 << 30, `{"size":"4TB"}`: 4 << 40, `{"size":"007mb"}`: 7 << 20, `{}`: 100 << 20, `null`: 100 << 20,
	} {
		h.want(null, "vm1", "create", "v", opts)
		require.Equal(t, want, h.store.Disks()[0].Size, opts)
		h.want(null, "vm1", "remove", "v", "")
	}
}

// clock is a real Env that stands still at the time of the golden texts.
type clock struct{ seam.Env }

func (clock) Now() time.Time {
	return time.Date(2016, 12, 20, 20, 35, 28, 0, time.FixedZone("CET", 3600))
}

// allocated is a store whose disks have 13 MB in use.
type allocated struct{ esxsim.Store }

func (a allocated) StatDisk(ctx context.Context, v esxsim.Volume) (esxsim.Disk, error) {
	d, err := a.Store.StatDisk(ctx, v)
	d.Allocated = 13<<20 + 5
	return d, err
}

func TestGetText(t *testing.T) {
	h := newHost(t, func(c *esxsim.Config) {
		c.Env = clock{seam.Real()}
		c.Store = allocated{c.Store}
	})
	h.want(null, "vm1", "create", "v", `{"fstype":"ext4"}`)
	h.want(place0, "vm1", "attach", "v", "")
	h.want(`{"created by VM": "vm1", "created": "Tue Dec 20 19:35:28 2016", "status": "attached", "capacity": {"size": "100MB", "allocated": "13MB"}, "datastore": "ds1", "attached to VM": "vm1", "attachedVMDevice": {"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}, "fstype": "ext4", "diskformat": "thin", "attach-as": "independent_persistent", "access": "read-write", "clone-from": "None"}`,
		"vm2", "get", "v", "")
	h.want(null, "vm1", "detach", "v", "")
	h.want(null, "vm1", "create", "big@ds3", `{"size":"3tb","access":"read-only","attach-as":"persistent","diskformat":"zeroedthick"}`)
	h.want(`{"created by VM": "vm1", "created": "Tue Dec 20 19:35:28 2016", "status": "detached", "capacity": {"size": "3072GB", "allocated": "13MB"}, "datastore": "ds3", "diskformat": "zeroedthick", "attach-as": "persistent", "access": "read-only", "clone-from": "None"}`,
		"vm3", "get", "big", "")
}

// witness is a store that remembers each text of metadata, as it was and where it is.
type witness struct {
	esxsim.Store
	seen [][]byte
	was  []string
}

func (w *witness) note(text []byte) {
	w.seen, w.was = append(w.seen, text), append(w.was, string(text))
}

func (w *witness) ReadMeta(ctx context.Context, v esxsim.Volume) ([]byte, error) {
	text, err := w.Store.ReadMeta(ctx, v)
	w.note(text)
	return text, err
}

func (w *witness) WriteMeta(ctx context.Context, v esxsim.Volume, text []byte) error {
	w.note(text)
	return w.Store.WriteMeta(ctx, v, text)
}

// TestNobodyChangesATextOfMetadata: neither the service nor its store does so with one that went from one to the other, because what
// it says is known by where it is, see Memo.Meta.
func TestNobodyChangesATextOfMetadata(t *testing.T) {
	w := &witness{}
	h := newHost(t, func(c *esxsim.Config) {
		w.Store = c.Store
		c.Store = w
	})
	for _, v := range []string{"a", "b"} {
		h.want(null, "vm1", "create", v, `{"fstype":"ext4"}`)
		h.want(place0, "vm1", "attach", v, "")
		h.want(null, "vm1", "detach", v, "")
		h.want(place0, "vm2", "attach", v, "")
		h.want(null, "vm2", "detach", v, "")
	}
	h.want(null, "vm1", "create", "c", `{"clone-from":"a"}`)
	h.want(null, "vm1", "remove", "a", "")
	h.want(null, "vm1", "create", "a", `{"access":"read-only"}`)
	require.Greater(t, len(w.seen), 15)
	for i, text := range w.seen {
		require.Equal(t, w.was[i], string(text))
	}
}

func TestMetaText(t *testing.T) {
	m := esxsim.Meta{
		Status:  "detached",
		VolOpts: map[string]string{"size": "1gb", "fstype": "ext4", "diskformat": "thin"},
		Created: "Tue Dec 20 19:35:28 2016", CreatedBy: "vm1",
	}
	const golden = `{"status": "detached", "volOpts": {"size": "1gb", "fstype": "ext4", "diskformat": "thin"}, "created": "Tue Dec 20 19:35:28 2016", "created-by": "vm1"}`
	require.Equal(t, golden, string(esxsim.EncodeMeta(m)))
	back, err := esxsim.DecodeMeta([]byte(golden + strings.Repeat(" ", 500) + "\n"))
	require.NoError(t, err)
	require.Equal(t, m, back)

	for _, bad := range []string{"", "   \n", "null", "[]", golden[:40], golden + "x"} {
		_, err := esxsim.DecodeMeta([]byte(bad))
		require.Error(t, err, "%q", bad)
	}
}

func TestMetaRoundTrip(t *testing.T) {
	text := rapid.String()
	rapid.Check(t, func(t *rapid.T) {
		m := esxsim.Meta{
			Status: text.Draw(t, "status"), Created: text.Draw(t, "created"), CreatedBy: text.Draw(t, "by"),
			AttachedUUID: text.Draw(t, "uuid"), AttachedName: text.Draw(t, "name"),
		}
		if rapid.Bool().Draw(t, "opts") {
			m.VolOpts = rapid.MapOf(rapid.OneOf(text, rapid.SampledFrom([]string{"size", "access", "fstype"})), text).Draw(t, "options")
		}
		if rapid.Bool().Draw(t, "attached") {
			m.Device = &wire.Device{Unit: text.Draw(t, "unit"), ControllerPciBusNumber: text.Draw(t, "bus")}
		}
		encoded := esxsim.EncodeMeta(m)
		back, err := esxsim.DecodeMeta(encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		require.Equal(t, m, back)
		require.Equal(t, encoded, esxsim.EncodeMeta(back))
	})
}
