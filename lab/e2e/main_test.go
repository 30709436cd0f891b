//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// the is the one lab that all tests use. Tests do not run in parallel: each checks what is left on the hosts.
var the *lab

func TestMain(m *testing.M) {
	if dir := os.Getenv(beJanitor); dir != "" {
		os.Exit(janitor(dir))
	}
	if os.Getenv(beRelay) != "" {
		os.Exit(relay(os.Args[1:]))
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) (status int) {
	if err := prerequisites(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 3
	}
	begin := time.Now()
	var err error
	the, err = newLab()
	defer func() {
		begin := time.Now()
		if err := the.close(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: taking the lab down:", err)
			status = max(status, 1)
		}
		fmt.Printf("e2e: the lab was taken down in %.1f s\n", time.Since(begin).Seconds())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e: setting the lab up:", err)
		return 1
	}
	fmt.Printf("e2e: the lab was set up in %.1f s\n", time.Since(begin).Seconds())
	begin = time.Now()
	status = m.Run()
	fmt.Printf("e2e: the tests took %.1f s\n", time.Since(begin).Seconds())
	if err := the.complaints(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		status = max(status, 1)
	}
	if status != 0 {
		fmt.Fprintln(os.Stderr, the.said())
	}
	return status
}

// prerequisites says what the machine lacks, and the remedy.
func prerequisites() error {
	if os.Geteuid() != 0 {
		return errors.New("it mounts loop devices and starts Docker Engines; run it as root: sudo make e2e")
	}
	packages := map[string]string{
		"dockerd": "docker.io", "docker": "docker.io (docker-cli on newer systems)",
		"mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "mkfs.btrfs": "btrfs-progs",
		"unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "bash": "bash", "go": "golang",
	}
	var errs []error
	for tool, pkg := range packages {
		if _, err := exec.LookPath(tool); err != nil {
			errs = append(errs, fmt.Errorf("there is no %s; install %s", tool, pkg))
		}
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		errs = append(errs, errors.New("there are no loop devices; run: modprobe loop"))
	}
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		errs = append(errs, err)
	}
	for _, fs := range []string{"ext4", "xfs", "btrfs", "overlay"} {
		if !strings.Contains(string(known), "\t"+fs+"\n") && exec.Command("modprobe", fs).Run() != nil {
			errs = append(errs, fmt.Errorf("the kernel does not know %s; run: modprobe %s", fs, fs))
		}
	}
	return errors.Join(errs...)
}
