package host_test

import (
	"bufio"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim/host"
)

// TestControlSocket: as many commands as one likes on a connection; a line that is none is told so, and one without an end
// ends the connection.
func TestControlSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control.sock")
	serve(t, func(c *host.Config) { c.Control = socket })
	c, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(line string) (r host.Reply) {
		t.Helper()
		_, err := c.Write([]byte(line))
		require.NoError(t, err)
		text, err := in.ReadBytes('\n')
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &r))
		return r
	}
	long := `{"name":"status","padding":"` + strings.Repeat("x", 200_000) + `"}` + "\n"
	for range 10 { // more than one command may have
		require.NotEmpty(t, say(long).Rows)
	}
	for _, line := range []string{"status\n", `{"name":5}` + "\n", "[]\n", "\n{\n", `{"name":"status"} more` + "\n"} {
		r := say(line)
		require.True(t, r.Usage, line)
		require.Contains(t, r.Error, "a command is one line of JSON", line)
	}
	require.NotEmpty(t, say(`{"name":"status"}`+"\n").Rows, "the connection lives on")
	r := say(strings.Repeat("x", 1<<20+8192))
	require.Contains(t, r.Error, "more than 1048576 bytes")
	_, err = in.ReadByte()
	require.Error(t, err)
}
