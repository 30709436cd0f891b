package linuxguest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// tool says how one file system is made. The disk is known to be blank, so nothing is discarded (it would cost
// time on thin disks for nothing), and nothing is forced but what mke2fs needs to ask no question.
type tool struct {
	program  string
	args     []string
	maxLabel int // bytes
}

func toolFor(fstype string) (tool, bool) {
	switch fstype {
	case "ext2", "ext3", "ext4":
		// The lazy options save 5 % of the disk's size in writes; the kernel does that work after the first mount.
		return tool{"mkfs." + fstype, []string{
			"-q", "-F", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0",
		}, 16}, true
	case "xfs":
		return tool{"mkfs.xfs", []string{"-q", "-K"}, 12}, true
	case "btrfs":
		return tool{"mkfs.btrfs", []string{"-q", "-K"}, 255}, true
	}
	return tool{}, false
}

// Filesystems returns the file systems whose mkfs is on this machine now, sorted.
func (g *Guest) Filesystems() []string {
	var names []string
	for _, fs := range [...]string{"btrfs", "ext2", "ext3", "ext4", "xfs"} {
		if t, ok := toolFor(fs); ok && g.find(t.program) != "" {
			names = append(names, fs)
		}
	}
	return names
}

// find returns the path of a program, "" if there is none. The environment's PATH is not asked.
func (g *Guest) find(program string) string {
	for _, dir := range g.cfg.ToolDirs {
		path := filepath.Join(dir, program)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// Mkfs makes an empty file system on the disk and refuses a disk that Probe does not call blank. The label is cut to
// what the file system can hold and cleaned; "" means none. The root directory belongs to root, has mode 0755 and
// is empty: lost+found, which mke2fs always makes, is removed. If ctx ends, mkfs is killed and the disk is in an unknown
// state. The error holds the end of what mkfs said.
func (g *Guest) Mkfs(ctx context.Context, disk, fstype, label string) error {
	t, ok := toolFor(fstype)
	if !ok {
		return fmt.Errorf("make %.20q on %s: no such file system here, there is %s", fstype, disk, strings.Join(g.Filesystems(), ", "))
	}
	program := g.find(t.program)
	if program == "" {
		return fmt.Errorf("make %s on %s: %s is not installed, there is %s", fstype, disk, t.program, strings.Join(g.Filesystems(), ", "))
	}
	found, err := g.Probe(ctx, disk)
	if err != nil {
		return err
	}
	if found != "" {
		return fmt.Errorf("make %s on %s: refused, the disk holds %s", fstype, disk, found)
	}
	args := slices.Clone(t.args)
	if label = cleanLabel(label, t.maxLabel); label != "" {
		args = append(args, "-L", label)
	}
	if err := run(ctx, program, append(args, "--", disk)...); err != nil {
		return fmt.Errorf("make %s on %s: %w", fstype, disk, err)
	}
	if strings.HasPrefix(fstype, "ext") {
		if err := g.removeLostFound(disk, fstype); err != nil {
			return fmt.Errorf("make %s on %s: remove lost+found: %w", fstype, disk, err)
		}
	}
	return nil
}

// cleanLabel cuts a label to limit bytes without splitting a character, and makes it harmless: no control characters
// or spaces, which some versions of mkfs refuse, no invalid UTF-8, no leading "-".
func cleanLabel(label string, limit int) string {
	label = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError {
			return '_'
		}
		return r
	}, label)
	label = strings.TrimLeft(label, "-")
	for len(label) > limit {
		_, n := utf8.DecodeLastRuneInString(label)
		label = label[:len(label)-n]
	}
	return label
}

// run runs a program to its end, without a shell, input, or our environment.
func run(ctx context.Context, program string, args ...string) error {
	var out tail
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // a grandchild that keeps the pipe open does not keep us
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if said := strings.Join(strings.Fields(string(out.b)), " "); said != "" {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, said)
	}
	return fmt.Errorf("%s: %w", filepath.Base(program), err)
}

// tail keeps the last bytes written to it; the error is at the end. exec writes from one goroutine.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const limit = 2 << 10
	t.b = append(t.b, p...)
	if cut := len(t.b) - limit; cut > 0 {
		t.b = append(t.b[:0], t.b[cut:]...)
	}
	return len(p), nil
}

// removeLostFound lets the kernel remove the directory, in a mount that no mount namespace ever shows. Databases
// refuse a data directory that is not empty, and Docker copies an image's files only into an empty one; e2fsck makes
// lost+found again if it ever needs it.
func (g *Guest) removeLostFound(disk, fstype string) error {
	root, err := hiddenMount(disk, fstype)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // Linux before 5.2, or an old seccomp filter
		root, err = briefMount(disk, fstype)
	}
	if err != nil {
		return err
	}
	err = unix.Unlinkat(root, "lost+found", unix.AT_REMOVEDIR)
	return errors.Join(err, unix.Close(root)) // the close unmounts, before it returns
}

// hiddenMount mounts the disk nowhere and returns its root directory; closing that unmounts it, as does a crash.
func hiddenMount(disk, fstype string) (root int, err error) {
	fs, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen %s: %w", fstype, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigSetString(fs, "source", disk); err != nil {
		return -1, fmt.Errorf("fsconfig: %w", err)
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("mount as %s: %w", fstype, err)
	}
	root, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsmount: %w", err)
	}
	return root, nil
}

// briefMount does the same on an old kernel: the mount can be seen for a moment, until it is detached again lazily;
// then only the returned descriptor keeps it.
func briefMount(disk, fstype string) (root int, err error) {
	dir, err := os.MkdirTemp("", "mkfs-")
	if err != nil {
		return -1, err
	}
	defer os.Remove(dir)
	if err := unix.Mount(disk, dir, fstype, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return -1, fmt.Errorf("mount as %s: %w", fstype, err)
	}
	root, err = unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err := errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH)); err != nil {
		if root >= 0 {
			unix.Close(root)
		}
		return -1, err
	}
	return root, nil
}
