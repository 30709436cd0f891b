package host_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim/host"
)

// This file is a client of its own: it knows the protocol from PROTOCOL.md and docs/original.md appendix A, and nothing of
// driver/wire. So a mistake that the encoder and the decoder there share shows here.

// created stands for the 24 characters of a time.
const created = "........................"

// spoken is a conversation of two VMs with a fresh host. A header is the magic and the length, 32 bits each, little
// endian; behind the text follows a NUL, which the length counts.
var spoken = []struct{ vm, header, request, replyHeader, reply string }{
	{
		"vm1", "efbead0b 36000000", `{"cmd":"version","details":{"Name":""},"version":"2"}`,
		"efbead0b 13000000", `{"version": "N/A"}`,
	},
	{
		"vm1", "efbead0b 33000000", `{"cmd":"list","details":{"Name":""},"version":"2"}`,
		"efbead0b 03000000", `[]`,
	},
	{
		"vm1", "efbead0b 74000000", `{"cmd":"create","details":{"Name":"v@ds1","Opts":{"diskformat":"thin","fstype":"ext4","size":"1gb"}},"version":"2"}`,
		"efbead0b 05000000", `null`,
	},
	{
		"vm1", "efbead0b 3a000000", `{"cmd":"create","details":{"Name":"v@ds1"},"version":"2"}`,
		"efbead0b 4c000000", `{"Error": "File /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk already exists"}`,
	},
	{
		"vm1", "efbead0b 33000000", `{"cmd":"get","details":{"Name":"v"},"version":"2"}`,
		"efbead0b 16010000", `{"created by VM": "vm1", "created": "........................", "status": "detached", "capacity": {"size": "1GB", "allocated": "0"}, "datastore": "ds1", "fstype": "ext4", "diskformat": "thin", "attach-as": "independent_persistent", "access": "read-write", "clone-from": "None"}`,
	},
	{
		"vm1", "efbead0b 3a000000", `{"cmd":"attach","details":{"Name":"v@ds1"},"version":"2"}`,
		"efbead0b 52000000", `{"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}`,
	},
	{
		"vm1", "efbead0b 36000000", `{"cmd":"attach","details":{"Name":"v"},"version":"2"}`,
		"efbead0b 52000000", `{"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}`,
	},
	{
		"vm2", "efbead0b 33000000", `{"cmd":"get","details":{"Name":"v"},"version":"2"}`,
		"efbead0b 96010000", `{"created by VM": "vm1", "created": "........................", "status": "attached", "capacity": {"size": "1GB", "allocated": "0"}, "datastore": "ds1", "attached to VM": "vm1", "attachedVMDevice": {"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}, "fstype": "ext4", "diskformat": "thin", "attach-as": "independent_persistent", "access": "read-write", "clone-from": "None"}`,
	},
	{
		"vm2", "efbead0b 3a000000", `{"cmd":"remove","details":{"Name":"v@ds1"},"version":"2"}`,
		"efbead0b 3c000000", `{"Error": "Failed to remove volume v, in use by VM = vm1."}`,
	},
	{
		"vm2", "efbead0b 3a000000", `{"cmd":"detach","details":{"Name":"v@ds1"},"version":"2"}`,
		"efbead0b 05000000", `null`,
	},
	{
		"vm1", "efbead0b 33000000", `{"cmd":"list","details":{"Name":""},"version":"2"}`,
		"efbead0b 26000000", `[{"Name": "v@ds1", "Attributes": {}}]`,
	},
	{
		"vm1", "efbead0b 3a000000", `{"cmd":"detach","details":{"Name":"v@ds1"},"version":"2"}`,
		"efbead0b 05000000", `null`,
	},
	{
		"vm1", "efbead0b 37000000", `{"cmd":"get","details":{"Name":"v@DS1"},"version":"2"}`,
		"efbead0b 16010000", `{"created by VM": "vm1", "created": "........................", "status": "detached", "capacity": {"size": "1GB", "allocated": "0"}, "datastore": "ds1", "fstype": "ext4", "diskformat": "thin", "attach-as": "independent_persistent", "access": "read-write", "clone-from": "None"}`,
	},
	{
		"vm1", "efbead0b 3a000000", `{"cmd":"remove","details":{"Name":"v@ds1"},"version":"2"}`,
		"efbead0b 05000000", `null`,
	},
	{
		"vm1", "efbead0b 3a000000", `{"cmd":"remove","details":{"Name":"v@ds1"},"version":"2"}`,
		"efbead0b 05000000", `null`,
	},
	{
		"vm1", "efbead0b 33000000", `{"cmd":"get","details":{"Name":"v"},"version":"2"}`,
		"efbead0b 53000000", `{"Error": "Volume v not found (file: /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk)"}`,
	},
	{
		"vm1", "efbead0b 3d000000", `{"cmd":"create","details":{"Name":"v-000001"},"version":"2"}`,
		"efbead0b 5b000000", `{"Error": "\"Volume names ending with '-NNNNNN' (where N is a digit) are not supported\""}`,
	},
	{
		"vm1", "efbead0b 38000000", `{"cmd":"create","details":{"Name":"a/b"},"version":"2"}`,
		"efbead0b 3a000000", `{"Error": "'Volume name contains illegal characters: /'"}`,
	},
	{
		"vm1", "efbead0b 9a000000", `{"cmd":"create","details":{"Name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"version":"2"}`,
		"efbead0b 38000000", `{"Error": "'Volume name is too long (max len is 100)'"}`,
	},
	{
		"vm1", "efbead0b 3b000000", `{"cmd":"get","details":{"Name":"v@nowhere"},"version":"2"}`,
		"efbead0b 5d000000", `{"Error": "Invalid datastore 'nowhere'.\nKnown datastores: ds1.\nDefault datastore: _VM_DS"}`,
	},
	{
		"vm1", "efbead0b 33000000", `{"cmd":"fly","details":{"Name":"v"},"version":"2"}`,
		"efbead0b 21000000", `{"Error": "Unknown command:fly"}`,
	},
	{
		"vm1", "efbead0b 20000000", `{"cmd":"version","version":"3"}`,
		"efbead0b ba010000", `{"Error": "There is a mismatch between VDVS client (Docker plugin) protocol version\n                                    (3) and server (ESXi) protocol version (2) which indicates different\n                                    versions of the product are installed on Guest and ESXi sides,\n                                    please make sure VDVS plugin and driver are from the same release version.\n                                    "}`,
	},
	{
		"vm1", "efbead0b 27000000", `{"details":{"Name":"v"},"version":"2"}`,
		"efbead0b 37000000", `{"Error": "Server returned an error: KeyError('cmd')"}`,
	},
	{
		"vm1", "efbead0b 1c000000", `{"cmd":"get","version":"2"}`,
		"efbead0b 3b000000", `{"Error": "Server returned an error: KeyError('details')"}`,
	},
	{
		"vm1", "efbead0b 29000000", `{"cmd":"get","details":{},"version":"2"}`,
		"efbead0b 38000000", `{"Error": "Server returned an error: KeyError('Name')"}`,
	},
	{
		"vm1", "efbead0b 58000000", ` { "version" : 2 , "details" : { "Name" : "v\u0031" } , "cmd" : "get" , "more" : [1] } `,
		"efbead0b 55000000", `{"Error": "Volume v1 not found (file: /vmfs/volumes/ds1/dockvols/_DEFAULT/v1.vmdk)"}`,
	},
	{
		"vm1", "efbead0b 2e000000", `{"cmd":"create","details":{"Name":"Größe"}}`,
		"efbead0b 05000000", `null`,
	},
	{
		"vm1", "efbead0b 25000000", `{"cmd":"list","details":{"Name":""}}`,
		"efbead0b 34000000", `[{"Name": "Gr\u00f6\u00dfe@ds1", "Attributes": {}}]`,
	},
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	require.NoError(t, err)
	return b
}

// say writes bytes on a connection of their own and returns all that comes back.
func say(t *testing.T, socket string, b []byte) []byte {
	t.Helper()
	c := dial(t, socket)
	_, _ = c.Write(b) // fails if the host has hung up already
	_ = c.(*net.UnixConn).CloseWrite()
	answer, _ := io.ReadAll(c) // a reset is an end, too
	return answer
}

func TestBytes(t *testing.T) {
	for name, change := range map[string]func(*host.Config){
		"files": nil, "memory": func(c *host.Config) { c.Datastores[0].Dir = "" },
	} {
		t.Run(name, func(t *testing.T) {
			one, two, _ := serve(t, change)
			sockets := map[string]string{"vm1": one, "vm2": two}
			for _, s := range spoken {
				request := append(append(unhex(t, s.header), s.request...), 0)
				want := append(append(unhex(t, s.replyHeader), s.reply...), 0)
				got := say(t, sockets[s.vm], request)
				if at := strings.Index(s.reply, created); at >= 0 {
					require.Len(t, got, len(want), s.request)
					when := got[8+at:][:len(created)]
					_, err := time.Parse(time.ANSIC, string(when))
					require.NoError(t, err)
					copy(when, created)
				}
				require.Equal(t, string(want), string(got), s.request)
			}
			// docs/original.md appendix A, 1 and 2, byte by byte
			get := unhex(t, "efbead0b 36000000 7b22636d64223a22676574222c2264657461696c73223a7b224e616d65223a22766f6c31227d2c22"+
				"76657273696f6e223a2232227d00")
			lost := `{"Error": "Volume vol1 not found (file: /vmfs/volumes/ds1/dockvols/_DEFAULT/vol1.vmdk)"}`
			require.Equal(t, "\xef\xbe\xad\x0b\x59\x00\x00\x00"+lost+"\x00", string(say(t, one, get)))
			remove := append(append(unhex(t, "efbead0b 39000000"), `{"cmd":"remove","details":{"Name":"vol1"},"version":"2"}`...), 0)
			require.Equal(t, unhex(t, "efbead0b 05000000 6e756c6c00"), say(t, one, remove))
		})
	}
}

// TestRefusedBytes: docs/original.md appendix A, 5. Sixteen in a row do not end the service, nor do they for another VM.
func TestRefusedBytes(t *testing.T) {
	one, two, _ := serve(t, nil)
	list := append(append(unhex(t, "efbead0b 20000000"), `{"cmd":"version","version":"2"}`...), 0)
	room := func(header string, n int) []byte { // n bytes of text, the request and blanks
		text := `{"cmd":"version"}`
		return append(append(append(unhex(t, header), text...), bytes.Repeat([]byte{' '}, n-len(text))...), 0)
	}
	for name, b := range map[string][]byte{
		"magic":                    append(unhex(t, "efbead0c"), list[4:]...),
		"big endian":               append(unhex(t, "0badbeef 00000020"), list[8:]...),
		"4097 bytes":               room("efbead0b 01100000", 4096),
		"4 GiB":                    append(unhex(t, "efbead0b ffffffff"), list[8:]...),
		"length 0":                 unhex(t, "efbead0b 00000000"),
		"length 10, 9 bytes":       append(unhex(t, "efbead0b 0a000000"), "{\"cmd\":1\x00"...),
		"NUL inside":               append(unhex(t, "efbead0b 0a000000"), "{\"cm\x00\":1}\x00"...),
		"no NUL":                   append(unhex(t, "efbead0b 0a000000"), "{\"cmd\":11}"...),
		"half a header":            list[:6],
		"a header":                 list[:8],
		"a request without an end": list[:len(list)-1],
		"another protocol":         []byte("GET / HTTP/1.1\r\n\r\n"),
		"nothing":                  nil,
	} {
		for range 16 {
			require.Empty(t, say(t, one, b), name)
		}
		for _, socket := range []string{one, two} {
			require.Equal(t, "\xef\xbe\xad\x0b\x13\x00\x00\x00{\"version\": \"N/A\"}\x00", string(say(t, socket, list)), name)
		}
	}
	for header, n := range map[string]int{"efbead0b ff0f0000": 4094, "efbead0b 00100000": 4095} {
		require.NotEmpty(t, say(t, one, room(header, n)), "%d bytes and a NUL are a request", n)
	}
	twice := append(bytes.Clone(list), list...) // a connection carries one request
	require.Equal(t, "\xef\xbe\xad\x0b\x13\x00\x00\x00{\"version\": \"N/A\"}\x00", string(say(t, one, twice)))
}
