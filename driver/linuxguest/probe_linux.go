package linuxguest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Probe says what the disk holds: "" if it is blank, the bare name of a file system ("ext4", "xfs", "btrfs", …) if
// that is the only thing found, else a description such as "a partition table (GPT)" or "ext4 and LUKS". It only reads.
// Any doubt about what was read is an error.
func (g *Guest) Probe(ctx context.Context, disk string) (string, error) {
	fd, err := openDisk(disk, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return "", fmt.Errorf("probe: %w", err)
	}
	f := os.NewFile(uintptr(fd), disk)
	defer f.Close()
	return probeFile(ctx, f)
}

// probeFile probes anything that can be read at offsets and has an end.
func probeFile(ctx context.Context, f *os.File) (string, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", fmt.Errorf("probe: size of %s: %w", f.Name(), err)
	}
	found, err := content(ctx, f, size)
	if err != nil {
		return "", fmt.Errorf("probe %s: %w", f.Name(), err)
	}
	return found, nil
}

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	gib = int64(1) << 30
	// edge is how much of the beginning and of the end is read: the superblocks of the file systems named here live
	// in the first 128 KiB; the last 1 MiB holds the second GPT, RAID metadata (last 128 KiB) and ZFS labels (512 KiB).
	edge = mib
)

// mirrors are the places of second superblocks that survive when the beginning is wiped: ext with blocks of 1 KiB
// and of 4 KiB (group 1), btrfs (64 MiB and 256 GiB).
var mirrors = [...]int64{8*mib + kib, 64 * mib, 128 * mib, 256 * gib}

// content does the work of Probe on size bytes of r.
func content(ctx context.Context, r io.ReaderAt, size int64) (string, error) {
	if size <= 0 {
		return "", fmt.Errorf("it has %d bytes", size)
	}
	head, err := region(ctx, r, size, 0, edge)
	if err != nil {
		return "", err
	}
	tail, err := region(ctx, r, size, max(0, size-edge), edge)
	if err != nil {
		return "", err
	}
	if found := signatures(head, tail); len(found) > 0 {
		return strings.Join(found, " and "), nil
	}
	blank := zero(head) && zero(tail)
	for _, at := range mirrors {
		if !blank || at >= size {
			break
		}
		b, err := region(ctx, r, size, at, 8*kib)
		if err != nil {
			return "", err
		}
		blank = zero(b)
	}
	if !blank {
		return "unknown data", nil
	}
	return "", nil
}

// region reads n bytes at off, fewer only at the end of the disk.
func region(ctx context.Context, r io.ReaderAt, size, off, n int64) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b := make([]byte, min(n, size-off))
	if got, err := r.ReadAt(b, off); got < len(b) {
		return nil, fmt.Errorf("read %d of %d bytes at %d: %w", got, len(b), off, err)
	}
	return b, nil
}

func zero(b []byte) bool {
	return len(bytes.TrimLeft(b, "\x00")) == 0
}
