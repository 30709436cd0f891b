package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"vmdkvol/esxsim"
)

// CloneDisk implements esxsim.Store. The disk comes first, because its descriptor decides who has the name; a crash between
// the two leaves a disk without sidecar, as it does in the middle of a create.
func (s *store) CloneDisk(ctx context.Context, from, to esxsim.Volume, format esxsim.Format) (esxsim.Disk, error) {
	src, err := s.find(from)
	if err != nil {
		return esxsim.Disk{}, err
	}
	dst, err := s.find(to)
	if err != nil {
		return esxsim.Disk{}, err
	}
	was, err := src.descriptor(from)
	if err != nil {
		return esxsim.Disk{}, storeError("clone", from, err)
	}
	if _, err := dst.root.Stat(descriptorFile(to)); err == nil { // spares the copying
		return esxsim.Disk{}, storeError("clone", to, os.ErrExist)
	}
	data, err := src.lockData(from) // refuses a disk that a VM has
	if err != nil {
		return esxsim.Disk{}, storeError("clone", from, err)
	}
	defer data.Close()

	disk, err := s.makeDisk(dst, to, newDescriptor(was.size, format), func(f *os.File) error {
		return copyData(f, data, was.size, func(at int64) int64 { return nextData(data, at, was.size) })
	})
	if err != nil {
		return esxsim.Disk{}, err
	}
	meta, err := s.ReadMeta(ctx, from)
	switch {
	case errors.Is(err, esxsim.ErrNotExist):
		return disk, nil
	case err == nil:
		err = s.WriteMeta(ctx, to, meta)
	}
	if err != nil {
		return esxsim.Disk{}, errors.Join(err, s.DeleteDisk(ctx, to))
	}
	return disk, nil
}

// copyData copies a disk's bytes into a file of zeros; zeros stay holes. next returns where the next bytes that are not in
// a hole begin, at the earliest: a guest makes a disk of terabytes with one request.
func copyData(to io.WriterAt, from io.ReaderAt, size int64, next func(at int64) int64) error {
	const block = 1 << 20
	buffer, zeros := make([]byte, block), make([]byte, block)
	for at := next(0); at < size; at = next(at + block) {
		part := buffer[:min(block, size-at)]
		if n, err := from.ReadAt(part, at); n < len(part) {
			return fmt.Errorf("the source ends after %d bytes: %w", at+int64(n), err)
		}
		if bytes.Equal(part, zeros[:len(part)]) {
			continue
		}
		if _, err := to.WriteAt(part, at); err != nil {
			return err
		}
	}
	return nil
}
