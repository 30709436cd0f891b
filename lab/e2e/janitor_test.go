//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// beJanitor in the environment makes this binary the janitor of the lab in that directory.
const beJanitor = "VMDKVOL_E2E_JANITOR"

// guard is a process of this binary that cleans up if this one dies before it could: killed, or by go test's timeout.
type guard struct {
	cmd   *exec.Cmd
	alive io.Closer // its input: the end of this process closes it
}

func hire(dir string) (*guard, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), beJanitor+"="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a signal to our group is not for it
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &guard{cmd, in}, cmd.Start()
}

func (g *guard) dismiss() error {
	if g == nil {
		return nil
	}
	return errors.Join(g.alive.Close(), g.cmd.Wait())
}

// janitor is the whole life of that process.
func janitor(dir string) int {
	_, _ = io.Copy(io.Discard, os.Stdin)
	if _, err := os.Stat(dir); err != nil {
		return 0 // it was cleaned up
	}
	err := errors.Join(endAll(dir), freeLoops(dir), os.RemoveAll(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e: clean up by hand:", err)
		return 1
	}
	return 0
}

// endAll waits for the end of the processes of a lab, which were told to end when their parent died, and ends those
// that do not by force. They are known by the lab's directory, whose name is unique, in their arguments.
func endAll(dir string) error {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		left := processesOf(dir)
		switch {
		case len(left) == 0:
			return nil
		case time.Since(begin) > 2*limit:
			return fmt.Errorf("processes %v do not end", left)
		case time.Since(begin) > limit:
			for _, pid := range left {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
}

func processesOf(dir string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		args, err := os.ReadFile(f)
		if err == nil && bytes.Contains(args, []byte(dir+"/")) {
			if pid, err := strconv.Atoi(strings.Split(f, "/")[2]); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// freeLoops detaches the loop devices with a file in the directory.
func freeLoops(dir string) error {
	loops, err := (&lab{dir: dir}).loops()
	for _, l := range loops {
		name, _, _ := strings.Cut(l, " ")
		f, openErr := os.Open("/dev/" + name)
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		err = errors.Join(err, unix.IoctlSetInt(int(f.Fd()), unix.LOOP_CLR_FD, 0), f.Close())
	}
	return err
}
