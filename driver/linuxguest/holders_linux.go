package linuxguest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Looking for holders is for the text of an error only: it is bounded, and what cannot be read is passed over.
const (
	maxHolders   = 3
	maxProcesses = 10_000
	maxFiles     = 4096 // of one process
)

// holdersOf names who holds a disk exclusively: block devices on top of it, and mounts in any mount namespace that a
// process of ours can be seen in.
func (g *Guest) holdersOf(ctx context.Context, disk string) []string {
	var found []string
	above, _ := os.ReadDir(filepath.Join(g.cfg.SysRoot, "class/block", filepath.Base(disk), "holders"))
	for _, e := range above {
		if len(found) < maxHolders {
			found = append(found, "block device "+e.Name())
		}
	}
	number := deviceNumber(disk)
	seen := map[string]bool{} // mount namespaces: the processes of one show the same table
	look := func(pid, where string) bool {
		ns, err := os.Readlink(filepath.Join("/proc", pid, "ns/mnt"))
		if err != nil || seen[ns] {
			return true
		}
		table := mountsOf(pid)
		seen[ns] = len(table) > 0 // none: the process has just ended, another one may show it
		if i := slices.IndexFunc(table, func(m *mountinfo.Info) bool { return mounts(m, number) }); i >= 0 {
			found = append(found, "mounted at "+table[i].Mountpoint+where)
		}
		return len(found) < maxHolders
	}
	if look("self", "") {
		processes(ctx, func(pid string) bool { return look(pid, " for "+who(pid)) })
	}
	return found
}

// mounts says whether m is a mount of the block device. btrfs shows a number of its own, but the path of its device;
// other paths are not looked at, because the stat of a path on a dead network file system hangs.
func mounts(m *mountinfo.Info, number uint64) bool {
	switch {
	case number == 0:
		return false
	case m.FSType == "btrfs":
		return deviceNumber(m.Source) == number
	}
	return unix.Mkdev(uint32(m.Major), uint32(m.Minor)) == number
}

// usersOf names the processes that keep a mountpoint of ours busy: working directory, root, open file, or a mount below.
func usersOf(ctx context.Context, target string) []string {
	var found []string
	below, _ := mountinfo.GetMounts(mountinfo.PrefixFilter(target))
	for _, m := range below {
		if m.Mountpoint != target && len(found) < maxHolders {
			found = append(found, "a mount below it at "+m.Mountpoint)
		}
	}
	// Paths name links, which are not followed: a stat of a file on a dead file system could hang.
	inside := func(link string) bool {
		to, err := os.Readlink(link)
		return err == nil && (to == target || strings.HasPrefix(to, target+"/"))
	}
	processes(ctx, func(pid string) bool {
		dir := filepath.Join("/proc", pid)
		switch {
		case inside(filepath.Join(dir, "cwd")):
			found = append(found, "working directory of "+who(pid))
		case inside(filepath.Join(dir, "root")):
			found = append(found, "root directory of "+who(pid))
		case slices.ContainsFunc(names(filepath.Join(dir, "fd"), maxFiles), func(fd string) bool {
			return inside(filepath.Join(dir, "fd", fd))
		}):
			found = append(found, "a file open in "+who(pid))
		}
		return len(found) < maxHolders
	})
	return found
}

// processes calls f with each process id until it returns false, ctx is done, or there are too many.
func processes(ctx context.Context, f func(pid string) bool) {
	for _, name := range names("/proc", maxProcesses) {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		if ctx.Err() != nil || !f(name) {
			return
		}
	}
}

// names lists a directory, at most limit entries of it.
func names(dir string, limit int) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	list, _ := f.Readdirnames(limit)
	return list
}

func mountsOf(pid string) []*mountinfo.Info {
	f, err := os.Open(filepath.Join("/proc", pid, "mountinfo"))
	if err != nil {
		return nil
	}
	defer f.Close()
	list, _ := mountinfo.GetMountsFromReader(f, nil)
	return list
}

// who names a process for a human.
func who(pid string) string {
	comm, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return "process " + pid
	}
	return fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(comm)))
}
