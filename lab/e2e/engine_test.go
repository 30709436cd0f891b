//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// dockerHost is one Docker host: a mount namespace with an engine and a vmdkd in it. Its directory is the same path
// inside and outside, but mounts below it are seen inside only.
type dockerHost struct {
	name   string // of the VM on the simulated ESX host
	dir    string
	vmdkd  string   // the program
	flags  []string // by which vmdkd finds the ESX host
	link   *slowLink
	docker *client // to the engine
	plugin *client // to vmdkd, through the relay

	ns     *process // keeps the namespace while nothing else does
	engine *process
	daemon *process // vmdkd
	relay  *process
}

// namespace makes the directories of Docker private, so that each engine finds its own plugin and its own containerd,
// and shares the host's directory with the containers' mount namespaces, so that an unmount reaches them.
const namespace = `
set -e
mount --bind "$1/run-docker" /run/docker
mkdir -p /run/docker/plugins /run/containerd
mount -t tmpfs tmpfs /run/containerd
mount --bind "$1" "$1"
mount --make-shared "$1"
if ! grep -qE ' cgroup2? ' /proc/self/mounts; then mount -t cgroup2 cgroup2 /sys/fs/cgroup; fi
touch "$1/namespace"
exec cat`

func (h *dockerHost) engineSocket() string { return filepath.Join(h.dir, "docker.sock") }

func (h *dockerHost) mountRoot() string { return filepath.Join(h.dir, "mnt") }

func (h *dockerHost) pluginSocket() string {
	return filepath.Join(h.dir, "run-docker/plugins/vmdk.sock")
}

// start starts everything of the host; stop undoes it, also after an error.
func (h *dockerHost) start(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(h.dir, "run-docker"), 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll("/run/docker", 0o755); err != nil { // something to mount over; it may be other engines' too, so it stays
		return err
	}
	if err := h.startNamespace(); err != nil {
		return err
	}
	if err := h.startRelay(); err != nil {
		return err
	}
	if err := h.startVmdkd(); err != nil {
		return err
	}
	return h.startEngine(ctx)
}

func (h *dockerHost) startNamespace() (err error) {
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "bash", "-c", namespace, "namespace", h.dir)
	in, err := cmd.StdinPipe() // open for as long as the namespace is wanted
	if err != nil {
		return err
	}
	if h.ns, err = start(h.name+" namespace", h.log("namespace"), cmd); err != nil {
		return errors.Join(err, in.Close())
	}
	return h.ns.ready(func() error {
		_, err := os.Stat(filepath.Join(h.dir, "namespace"))
		return err
	})
}

// inside is a command in the host's mount namespace; nsenter becomes it, so its process id is the program's.
func (h *dockerHost) inside(program string, args ...string) *exec.Cmd {
	ns := "--mount=/proc/" + strconv.Itoa(h.ns.pid()) + "/ns/mnt"
	return exec.Command("nsenter", append([]string{ns, "--", program}, args...)...)
}

// learn reads the flags for vmdkd from what vmdksim said, in a line such as "vm vm1: --esx unix:PATH", and puts the slow
// link on the way.
func (h *dockerHost) learn(log string) error {
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if flags, ok := strings.CutPrefix(line, "vm "+h.name+": "); ok {
			h.flags = strings.Fields(flags)
		}
	}
	for i, f := range h.flags {
		if to, ok := strings.CutPrefix(f, "unix:"); ok {
			at := h.dir + "-link.sock"
			h.flags[i] = "unix:" + at
			h.link, err = newSlowLink(at, to)
			return err
		}
	}
	return fmt.Errorf("vmdksim did not say where %s finds it: %s", h.name, text)
}

func (h *dockerHost) startVmdkd() (err error) {
	args := append([]string{
		"--socket", "/run/docker/plugins/vmdk.sock", "--mount-root", h.mountRoot(), "--log-level", "debug",
		"--docker", h.engineSocket(), "--state-dir", filepath.Join(h.dir, "state"),
	}, h.flags...)
	h.daemon, err = start(h.name+" vmdkd", h.log("vmdkd"), h.inside(h.vmdkd, args...))
	if err != nil {
		return err
	}
	return h.daemon.ready(func() error { return h.plugin.post("/Plugin.Activate", nil, nil) })
}

func (h *dockerHost) startEngine(ctx context.Context) (err error) {
	storage := "overlay2"
	var fs unix.Statfs_t
	if err := unix.Statfs(h.dir, &fs); err != nil {
		return err
	}
	if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		storage = "vfs" // no overlay over an overlay
	}
	config := filepath.Join(h.dir, "engine.json") // not the one of the machine's own engine
	if err := os.WriteFile(config, []byte("{}"), 0o600); err != nil {
		return err
	}
	socket := h.engineSocket()
	h.engine, err = start(h.name+" dockerd", h.log("dockerd"), h.inside("dockerd",
		"--host", "unix://"+socket, "--data-root", filepath.Join(h.dir, "data"), "--exec-root", filepath.Join(h.dir, "exec"),
		"--pidfile", filepath.Join(h.dir, "pid"), "--storage-driver", storage, "--config-file", config,
		"--bridge", "none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"))
	if err != nil {
		return err
	}
	h.docker = newClient(socket)
	return h.engine.ready(func() error { return h.docker.do(ctx, http.MethodGet, "/_ping", nil, nil) })
}

func (h *dockerHost) log(of string) string { return h.dir + "-" + of + ".log" }

// stop ends everything, the engine first: it unmounts what containers still use.
func (h *dockerHost) stop() error {
	err := errors.Join(h.engine.stop(), h.daemon.stop())
	if h.relay != nil {
		_ = h.relay.signal(os.Kill)
		<-h.relay.ended
	}
	if h.ns != nil {
		_ = h.ns.signal(os.Kill)
		<-h.ns.ended
	}
	if h.link != nil {
		err = errors.Join(err, h.link.listener.Close())
	}
	return err
}

// cli runs the docker command line tool as a user would, and returns all that it says.
func (h *dockerHost) cli(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix://"+filepath.Join(h.dir, "docker.sock"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("docker %q: %w: %s", args, err, out)
	}
	return string(out), err
}
