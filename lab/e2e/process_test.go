//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// limit bounds every wait for something that takes a moment; it is many times what a loaded machine needs.
const limit = 30 * time.Second

// process is a program that runs until it is stopped. What it says goes to a file.
type process struct {
	name  string
	log   string
	cmd   *exec.Cmd
	ended chan struct{} // closed after the end, then err is set
	err   error
}

// start starts a program that ends with this one, however this one ends.
func start(name, log string, cmd *exec.Cmd) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, log: log, cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// stop ends the process as its user would, and returns how it ended.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	err := p.signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		<-p.ended
		return fmt.Errorf("%s had ended already: %w\n%s", p.name, p.err, p.said())
	}
	return errors.Join(err, p.wait())
}

func (p *process) wait() error {
	select {
	case <-p.ended:
	case <-time.After(limit):
		_ = p.signal(syscall.SIGKILL)
		<-p.ended
		return fmt.Errorf("%s did not end within %s and was killed\n%s", p.name, limit, p.said())
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.name, p.err, p.said())
	}
	return nil
}

// said is the last of what the process said.
func (p *process) said() string {
	const most = 6000
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if len(b) > most {
		b = append([]byte("...\n"), b[len(b)-most:]...)
	}
	return "--- " + p.name + " said:\n" + strings.TrimSpace(string(b)) + "\n---"
}

// ready polls until a process does what it was started for.
func (p *process) ready(is func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		err := is()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %w\n%s", p.name, errors.Join(p.err, err), p.said())
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, err, p.said())
		}
	}
}
