//go:build e2e

package e2e_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// lab is one simulated ESX host with two Docker hosts as its VMs.
type lab struct {
	dir   string
	bin   string
	store string // the datastore's directory
	esx   *process
	hosts [2]*dockerHost
	guard *guard
	runs  int // of the ESX host
}

const datastore = "ds1"

// newLab sets everything up; close undoes it, also after an error.
func newLab() (*lab, error) {
	dir, err := os.MkdirTemp("", "vmdkvol")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, bin: filepath.Join(dir, "bin"), store: filepath.Join(dir, datastore)}
	if l.guard, err = hire(dir); err != nil {
		return l, err
	}
	for _, d := range []string{l.bin, l.store, filepath.Join(dir, "vm")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return l, err
		}
	}
	if err := l.build(); err != nil {
		return l, err
	}
	for i := range l.hosts {
		name := fmt.Sprintf("vm%d", i+1)
		l.hosts[i] = &dockerHost{name: name, dir: filepath.Join(dir, name), vmdkd: filepath.Join(l.bin, "vmdkd")}
	}
	if err := l.startESX(); err != nil {
		return l, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*limit)
	defer cancel()
	return l, l.each(func(h *dockerHost) error {
		if err := h.start(ctx); err != nil {
			return err
		}
		return l.importImages(ctx, h)
	})
}

// each does something on all hosts at once.
func (l *lab) each(do func(*dockerHost) error) error {
	var wg sync.WaitGroup
	var errs [len(l.hosts)]error
	for i, h := range l.hosts {
		if h != nil {
			wg.Go(func() { errs[i] = do(h) })
		}
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// build builds what the lab runs, from the sources that this test is part of.
func (l *lab) build() error {
	programs := exec.Command("go", "build", "-o", l.bin+"/", "vmdkvol/cmd/vmdkd", "vmdkvol/cmd/vmdksim")
	box := exec.Command("go", "build", "-o", l.bin+"/", "vmdkvol/lab/e2e/box")
	box.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=") // its image has no library; GOFLAGS may ask for -race
	for _, cmd := range []*exec.Cmd{programs, box} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	return nil
}

// startESX starts the simulated ESX host and learns how its VMs find it.
func (l *lab) startESX() error {
	if err := l.runESX(); err != nil {
		return err
	}
	for _, h := range l.hosts {
		if err := h.learn(l.esx.log); err != nil {
			return err
		}
	}
	return nil
}

// runESX runs the simulated ESX host, the first time or again on the same files.
func (l *lab) runESX() (err error) {
	l.runs++
	log := filepath.Join(l.dir, fmt.Sprintf("vmdksim-%d.log", l.runs))
	args := []string{"serve", "--log-level", "debug", "--datastore", datastore + "=" + l.store, "--dir", filepath.Join(l.dir, "vm")}
	for _, h := range l.hosts {
		args = append(args, "--vm", h.name+"="+h.dir+"-esx.sock")
	}
	l.esx, err = start("vmdksim", log, exec.Command(filepath.Join(l.bin, "vmdksim"), args...))
	if err != nil {
		return err
	}
	return l.esx.ready(func() error {
		text, err := os.ReadFile(log)
		if err == nil && !strings.Contains(string(text), "\nvmdksim serve: ready\n") {
			err = errors.New("it did not say that it is ready")
		}
		return err
	})
}

// importImages makes an image of the one program box, and one with content in a directory.
func (l *lab) importImages(ctx context.Context, h *dockerHost) error {
	box, err := os.ReadFile(filepath.Join(l.bin, "box"))
	if err != nil {
		return err
	}
	plain := []tar.Header{{Name: "box", Mode: 0o755, Size: int64(len(box))}}
	seeded := append(plain[:1:1],
		tar.Header{Name: "seed/", Typeflag: tar.TypeDir, Mode: 0o750, Uid: 7, Gid: 8},
		tar.Header{Name: "seed/one", Mode: 0o640, Uid: 7, Gid: 8})
	for image, files := range map[string][]tar.Header{"box": plain, "seeded": seeded} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i, f := range files {
			f.ModTime = time.Unix(1, 0)
			if err := w.WriteHeader(&f); err != nil {
				return err
			}
			if i == 0 {
				_, err = w.Write(box)
			}
		}
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
		q := url.Values{"fromSrc": {"-"}, "repo": {image}, "tag": {"1"}, "changes": {`ENTRYPOINT ["/box"]`}}
		if err := h.docker.do(ctx, http.MethodPost, "/images/create?"+q.Encode(), &b, nil); err != nil {
			return fmt.Errorf("import %s: %w", image, err)
		}
	}
	return nil
}

// close stops everything and makes sure that nothing stays on the machine.
func (l *lab) close() error {
	if l == nil {
		return nil
	}
	err := l.each((*dockerHost).stop)
	if l.esx != nil {
		err = errors.Join(err, l.esx.stop())
	}
	loops, lerr := l.loops()
	if len(loops) > 0 {
		lerr = errors.Join(lerr, fmt.Errorf("loop devices are left: %v", loops))
	}
	return errors.Join(err, lerr, os.RemoveAll(l.dir), l.guard.dismiss())
}

// complaints are signs of a bug in what our programs said, whether or not a test noticed it.
func (l *lab) complaints() error {
	files, err := filepath.Glob(filepath.Join(l.dir, "*vmdk*.log"))
	for _, f := range files {
		text, e := os.ReadFile(f)
		err = errors.Join(err, e)
		for line := range strings.Lines(string(text)) {
			for _, sign := range []string{"level=ERROR", "panic", "DATA RACE", "fatal error"} {
				if strings.Contains(line, sign) {
					err = errors.Join(err, fmt.Errorf("%s: %s", filepath.Base(f), strings.TrimSpace(line)))
				}
			}
		}
	}
	return err
}

// programs are our own, under test.
func (l *lab) programs() []*process { return []*process{l.esx, l.hosts[0].daemon, l.hosts[1].daemon} }

// said is the last of what our programs said.
func (l *lab) said() string {
	all := ""
	for _, p := range l.programs() {
		all += p.said() + "\n"
	}
	return all
}
