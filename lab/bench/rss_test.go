package bench_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mounted is how many volumes a VM has at most.
const mounted = 60

// BenchmarkFigureMemory is the resident memory of vmdkd as a process of its own, with as many volumes mounted as a VM can
// have, after it has made 1,000, asked for each and listed all. ESX is in this process; the guest is in that one, and
// counts.
func BenchmarkFigureMemory(b *testing.B) {
	const name, idle = "driver/rss_mib_1000", "driver/rss_mib_idle"
	figure := wanted(b, name, idle)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("memory is read from /proc")
	}
	dir := b.TempDir()
	bin := goBuild(b, filepath.Join(dir, "vmdkd"), "", "./cmd/vmdkd")
	socket := filepath.Join(dir, "plugin.sock")
	cmd := exec.Command(bin, "--socket", socket, "--mount-root", filepath.Join(dir, "mnt"), "--guest", "sim",
		"--esx", "unix:"+newHost(b).serve(b), "--log-level", "error")
	cmd.Stderr = os.Stderr
	must(b, cmd.Start())
	defer func() {
		must(b, cmd.Process.Signal(syscall.SIGTERM))
		must(b, cmd.Wait())
	}()
	must(b, listens(socket))
	d, hangUp := dial(socket)
	defer hangUp()
	_, err := d.post("List", "", "")
	must(b, err)
	figure(idle, residentMiB(b, cmd.Process.Pid))
	for i := range 1000 {
		v := "v" + strconv.Itoa(i)
		for _, op := range []string{"Create", "Get"} {
			_, err := d.post(op, v, "")
			must(b, err)
		}
	}
	for i := range mounted { // later, because a Create needs room for its disk
		_, err := d.Mount(b.Context(), "v"+strconv.Itoa(i), "id")
		must(b, err)
	}
	for range 10 {
		_, err := d.post("List", "", "")
		must(b, err)
	}
	figure(name, residentMiB(b, cmd.Process.Pid))
	for i := range mounted {
		must(b, d.Unmount(b.Context(), "v"+strconv.Itoa(i), "id"))
	}
}

// listens waits until somebody listens on a socket.
func listens(socket string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		c, err := net.Dial("unix", socket)
		if err == nil {
			return c.Close()
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// residentMiB reads VmRSS, proc_pid_status(5).
func residentMiB(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(b, err)
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kib float64
	_, err = fmt.Sscan(rest, &kib)
	must(b, err)
	return kib / 1024
}

// goBuild builds a program of this module, with an overlay unless it is "".
func goBuild(b *testing.B, bin, overlay, program string) string {
	b.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		b.Skip("no go command to build with")
	}
	args := []string{"build", "-o", bin}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, program)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return bin
}

// root is the module's, seen from this package.
const root = "../.."
