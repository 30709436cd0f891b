package linuxguest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// SeenBy returns nil if what Mount mounts can be seen by the process: its mount namespace is this one, or mounts below
// MountRoot propagate into it (mount_namespaces(7)). Otherwise the process would find the bare directory there, and the
// error says why. Pid 0 stands for a process that cannot be seen from here, as Docker cannot from inside a managed
// plugin; then all that can be asked is that mounts propagate to somewhere.
func (g *Guest) SeenBy(pid int) error {
	where, err := relationTo(pid)
	if err != nil || where == together {
		return err
	}
	ours, id, err := g.rootMount()
	if err != nil {
		return err
	}
	group, shared := peerGroup(ours, "shared:")
	if !shared {
		return fmt.Errorf("vmdkd runs in another mount namespace than Docker, and what it mounts below %s stays there",
			g.cfg.MountRoot)
	}
	switch where {
	case unknown:
		return nil
	case contained: // another root: Docker translates the paths of managed plugins
		table := mountsOf(strconv.Itoa(pid))
		for _, m := range table {
			if receives(m, group) {
				return nil
			}
		}
		return fmt.Errorf("what vmdkd mounts below %s reaches no mount that Docker can see", g.cfg.MountRoot)
	}
	return g.samePlace(pid, id, group)
}

// relation is where a process stands.
type relation uint8

const (
	unknown   relation = iota // it cannot be looked at
	together                  // same mount namespace, same root directory
	apart                     // another mount namespace, in which paths mean the same
	contained                 // another root directory
)

func relationTo(pid int) (relation, error) {
	if pid == 0 {
		return unknown, nil
	}
	same := func(what string) (bool, error) {
		var ours, its unix.Stat_t
		if err := unix.Stat("/proc/self/"+what, &ours); err != nil {
			return false, err
		}
		if err := unix.Stat("/proc/"+strconv.Itoa(pid)+"/"+what, &its); err != nil {
			return false, err
		}
		return ours.Dev == its.Dev && ours.Ino == its.Ino, nil
	}
	root, err := same("root")
	ns := false
	if err == nil {
		ns, err = same("ns/mnt")
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unknown, nil
	case err != nil:
		return unknown, fmt.Errorf("look at the mount namespace of process %d, which asks for the mount: %w", pid, err)
	case !root:
		return contained, nil
	case ns:
		return together, nil
	}
	return apart, nil
}

// rootMount returns the mount that MountRoot is in, and the directory's identity.
func (g *Guest) rootMount() (*mountinfo.Info, directory, error) {
	if err := os.MkdirAll(g.cfg.MountRoot, 0o755); err != nil {
		return nil, directory{}, err
	}
	d, err := look(g.cfg.MountRoot)
	if err != nil {
		return nil, directory{}, fmt.Errorf("look at the mount root: %w", err)
	}
	m := findMount(mountsOf("self"), d.mount)
	if m == nil {
		return nil, directory{}, fmt.Errorf("the mount of %s is not in the mount table", g.cfg.MountRoot)
	}
	return m, d, nil
}

// samePlace makes sure that MountRoot leads the process to the same directory, through a mount that receives ours.
func (g *Guest) samePlace(pid int, ours directory, group string) error {
	root, err := filepath.EvalSymlinks(g.cfg.MountRoot)
	if err != nil {
		return err
	}
	its, err := look(filepath.Join("/proc", strconv.Itoa(pid), "root", root))
	if err != nil {
		return fmt.Errorf("docker's mount namespace has no %s: %w", root, err)
	}
	if its.dev != ours.dev || its.ino != ours.ino {
		return fmt.Errorf("%s is another directory in Docker's mount namespace", root)
	}
	m := findMount(mountsOf(strconv.Itoa(pid)), its.mount)
	if m == nil || !receives(m, group) {
		return fmt.Errorf("what vmdkd mounts below %s does not reach Docker's mount namespace", root)
	}
	return nil
}

// directory is what identifies one, and the mount through which it was reached.
type directory struct {
	dev, ino uint64
	mount    int
}

func look(path string) (directory, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return directory{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return directory{}, err
	}
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd)) // statx(2) tells it only since Linux 5.8
	if err != nil {
		return directory{}, err
	}
	for line := range strings.Lines(string(info)) {
		if id, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(id))
			return directory{st.Dev, st.Ino, n}, err
		}
	}
	return directory{}, errors.New("the kernel does not say which mount it is in")
}

func findMount(table []*mountinfo.Info, id int) *mountinfo.Info {
	for _, m := range table {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// receives reports whether what is mounted in the peer group appears in m too, as its member or its slave.
func receives(m *mountinfo.Info, group string) bool {
	for _, tag := range [...]string{"shared:", "master:"} {
		if g, ok := peerGroup(m, tag); ok && g == group {
			return true
		}
	}
	return false
}

// peerGroup reads an optional field of proc_pid_mountinfo(5); the numbers of peer groups are the same in all namespaces.
func peerGroup(m *mountinfo.Info, tag string) (string, bool) {
	for field := range strings.FieldsSeq(m.Optional) {
		if group, ok := strings.CutPrefix(field, tag); ok {
			return group, true
		}
	}
	return "", false
}
