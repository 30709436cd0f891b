//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
)

// beRelay in the environment makes this binary a relay, with the arguments AT and TO: what connects to the unix socket AT
// is connected to the unix socket TO. In a host's mount namespace it lets tests call the plugin as Docker does, because
// vmdkd refuses a Mount to whoever would not see it.
const beRelay = "VMDKVOL_E2E_RELAY"

func (h *dockerHost) startRelay() (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	at := h.dir + "-plugin.sock"
	cmd := h.inside(self, at, "/run/docker/plugins/vmdk.sock")
	cmd.Env = append(os.Environ(), beRelay+"=yes")
	if h.relay, err = start(h.name+" relay", h.log("relay"), cmd); err != nil {
		return err
	}
	h.plugin = newClient(at)
	return h.relay.ready(func() error { _, err := os.Stat(at); return err })
}

// relay is the whole life of that process.
func relay(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "e2e relay: want AT TO")
		return 2
	}
	l, err := net.Listen("unix", args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e relay:", err)
		return 1
	}
	for {
		c, err := l.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e relay:", err)
			return 1
		}
		go func() { _ = pass(c, args[1]) }() // the client sees a cut connection, and says so
	}
}

// pass copies both ways until both sides have said all.
func pass(client net.Conn, to string) error {
	defer client.Close()
	plugin, err := net.Dial("unix", to)
	if err != nil {
		return err
	}
	defer plugin.Close()
	asked := make(chan error, 1)
	go func() {
		_, err := io.Copy(plugin, client)
		asked <- errors.Join(err, plugin.(*net.UnixConn).CloseWrite())
	}()
	_, err = io.Copy(client, plugin)
	return errors.Join(err, client.Close(), <-asked)
}

// beside is a command like inside, in a mount namespace of its own; propagation is unshare's.
func (h *dockerHost) beside(propagation, program string, args ...string) *exec.Cmd {
	ns := "--mount=/proc/" + strconv.Itoa(h.ns.pid()) + "/ns/mnt"
	return exec.Command("nsenter", append([]string{
		ns, "--", "unshare", "--mount", "--propagation", propagation, "--", program,
	}, args...)...)
}
