package wire_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
)

func golden(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden", name+".frame"))
	require.NoError(tb, err)
	return b
}

// goldenText returns the text of a golden frame, by hand and not by ReadFrame.
func goldenText(tb testing.TB, name string) []byte {
	tb.Helper()
	b := golden(tb, name)
	return b[wire.HeaderSize : len(b)-1]
}

var goldenRequests = map[string]wire.Request{
	"request-get":    {Cmd: wire.Get, Details: wire.Details{Name: "vol1"}, Version: "2"},
	"request-list":   {Cmd: wire.List, Version: "2"},
	"request-attach": {Cmd: wire.Attach, Details: wire.Details{Name: "v@ds1"}, Version: "2"},
	"request-detach": {Cmd: wire.Detach, Details: wire.Details{Name: "v@ds1"}, Version: "2"},
	"request-remove": {Cmd: wire.Remove, Details: wire.Details{Name: "v@ds1"}, Version: "2"},
	"request-create": {Cmd: wire.Create, Details: wire.Details{
		Name: "v@ds1",
		Opts: map[string]string{"size": "1gb", "fstype": "ext4", "diskformat": "thin"},
	}, Version: "2"},
}

var goldenErrors = map[string]string{
	"reply-error-not-found":   "Volume v not found (file: /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk)",
	"reply-error-exists":      "File /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk already exists",
	"reply-error-in-use":      "Failed to remove volume v, in use by VM = vm1.",
	"reply-error-name-suffix": `"Volume names ending with '-NNNNNN' (where N is a digit) are not supported"`,
	"reply-error-name-long":   "'Volume name is too long (max len is 100)'",
	"reply-error-escapes":     "Datei \"ä\\ü\" \u2028 <&> \x7f\x01\t\n 日本 \U0001F4BE/",
}

var (
	goldenDevice = wire.Device{Unit: "0", ControllerPciSlotNumber: "160", ControllerPciBusNumber: "15.0"}
	goldenVolume = wire.Volume{
		CreatedBy: "vm1", Created: "Tue Dec 20 19:35:28 2016", Status: "attached",
		Capacity: wire.Capacity{Size: "100MB", Allocated: "13MB"}, Datastore: "ds1",
		AttachedTo: "vm1", Device: &goldenDevice, FSType: "ext4", DiskFormat: "thin",
		AttachAs: "independent_persistent", Access: "read-write", CloneFrom: "None",
	}
	goldenList = []wire.Listed{{Name: "v@ds1"}}
)

func TestGoldenRequests(t *testing.T) {
	for name, want := range goldenRequests {
		t.Run(name, func(t *testing.T) {
			text, err := wire.AppendRequest(nil, want)
			require.NoError(t, err)
			require.Equal(t, string(golden(t, name)), string(wire.AppendFrame(nil, text)))

			text, err = wire.ParseFrame(golden(t, name), wire.MaxRequest)
			require.NoError(t, err)
			got, err := wire.ParseRequest(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestGoldenReplies(t *testing.T) {
	encoded := map[string][]byte{
		"reply-null":       wire.AppendNull(nil),
		"reply-device":     wire.AppendDevice(nil, goldenDevice),
		"reply-list":       wire.AppendList(nil, goldenList),
		"reply-list-empty": wire.AppendList(nil, nil),
		"reply-volume":     wire.AppendVolume(nil, goldenVolume),
		"reply-version":    wire.AppendVersion(nil, "N/A"),
	}
	for name, text := range goldenErrors {
		encoded[name] = wire.AppendError(nil, text)
	}
	for name, text := range encoded {
		require.Equal(t, string(golden(t, name)), string(wire.AppendFrame(nil, text)), name)
	}

	require.NoError(t, wire.ParseNull(goldenText(t, "reply-null")))
	d, err := wire.ParseDevice(goldenText(t, "reply-device"))
	require.NoError(t, err)
	require.Equal(t, goldenDevice, d)
	l, err := wire.ParseList(goldenText(t, "reply-list"))
	require.NoError(t, err)
	require.Equal(t, goldenList, l)
	l, err = wire.ParseList(goldenText(t, "reply-list-empty"))
	require.NoError(t, err)
	require.Empty(t, l)
	v, known, err := wire.ParseVolume(goldenText(t, "reply-volume"))
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, goldenVolume, v)
	_, known, err = wire.ParseVolume(goldenText(t, "reply-null"))
	require.NoError(t, err)
	require.False(t, known)
	version, err := wire.ParseVersion(goldenText(t, "reply-version"))
	require.NoError(t, err)
	require.Equal(t, "N/A", version)
}

// An error text is an *ErrorReply for every command.
func TestGoldenErrors(t *testing.T) {
	for name, want := range goldenErrors {
		for cmd, parse := range replyParsers {
			var reply *wire.ErrorReply
			require.ErrorAs(t, parse(goldenText(t, name)), &reply, "%s %s", cmd, name)
			require.Equal(t, want, reply.Text, "%s %s", cmd, name)
		}
	}
}

// Every golden file is spoken of by a test.
func TestGoldenFilesAreUsed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.frame"))
	require.NoError(t, err)
	require.Len(t, files, len(goldenRequests)+len(goldenErrors)+6)
	files, err = filepath.Glob(filepath.Join("testdata", "golden", "refused", "*.frame"))
	require.NoError(t, err)
	require.Len(t, files, len(refusedFrames))
}

// replyParsers are the readers of replies, by command, without their results.
var replyParsers = map[string]func([]byte) error{
	"null":    wire.ParseNull,
	"device":  func(b []byte) error { _, err := wire.ParseDevice(b); return err },
	"list":    func(b []byte) error { _, err := wire.ParseList(b); return err },
	"volume":  func(b []byte) error { _, _, err := wire.ParseVolume(b); return err },
	"version": func(b []byte) error { _, err := wire.ParseVersion(b); return err },
}
