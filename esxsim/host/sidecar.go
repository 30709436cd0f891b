package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"vmdkvol/esxsim"
)

const (
	// sidecarSuffix ends with 16 digits that stand for the name of the original's key.
	sidecarSuffix = "-2ae4dfa5b8ea6ee5.vmfd"
	sidecarBlock  = 4096    // bytes; a sidecar is a multiple of it
	maxSidecar    = 1 << 20 // bytes; ours, the original has no limit
)

func sidecarFile(v esxsim.Volume) string { return v.Name + sidecarSuffix }

// ReadMeta implements esxsim.Store.
func (s *store) ReadMeta(_ context.Context, v esxsim.Volume) ([]byte, error) {
	ds, err := s.find(v)
	if err != nil {
		return nil, err
	}
	var meta []byte
	err = ds.readSmall(sidecarFile(v), maxSidecar, func(text []byte) error {
		if len(text) > maxSidecar {
			return fmt.Errorf("it is larger than %d bytes", maxSidecar)
		}
		meta = bytes.Clone(bytes.TrimRight(text, " \n"))
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
		return nil, esxsim.ErrNotExist
	}
	return meta, metaError("read", v, err)
}

// WriteMeta implements esxsim.Store. The file is replaced as a whole; the original writes in place (docs/original.md
// §2.14). So does this if the datastore is full: what is written needs no more room than what it replaces, and without it a
// volume that was attached could not be removed to make room.
func (s *store) WriteMeta(_ context.Context, v esxsim.Volume, text []byte) error {
	ds, err := s.find(v)
	if err != nil {
		return err
	}
	made, err := ds.writeTemp(func(f *os.File) error {
		_, err := f.Write(padded(text))
		return err
	})
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return metaError("write", v, ds.overwrite(sidecarFile(v), padded(text), err))
	}
	if err != nil {
		return metaError("write", v, err)
	}
	defer ds.drop(made)
	if err := ds.root.Rename(made.name, sidecarFile(v)); err != nil {
		return metaError("write", v, err)
	}
	return metaError("write", v, ds.dir.Sync())
}

// overwrite writes into a file that has as much room as the text already; full is its error if there is none.
func (ds *datastore) overwrite(name string, text []byte, full error) error {
	f, err := ds.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return full
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(text)) {
		return full
	}
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	return f.Sync()
}

// padded ends a text with spaces and a newline, a multiple of 4096 bytes (docs/original.md §2.14).
func padded(text []byte) []byte {
	size := (len(text)/sidecarBlock + 1) * sidecarBlock
	b := append(make([]byte, 0, size), text...)
	b = append(b, bytes.Repeat([]byte{' '}, size-len(text)-1)...)
	return append(b, '\n')
}

// DeleteMeta implements esxsim.Store.
func (s *store) DeleteMeta(_ context.Context, v esxsim.Volume) error {
	ds, err := s.find(v)
	if err != nil {
		return err
	}
	err = ds.root.Remove(sidecarFile(v))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENAMETOOLONG):
		return esxsim.ErrNotExist
	case err != nil:
		return metaError("delete", v, err)
	}
	return metaError("delete", v, ds.dir.Sync())
}

func metaError(op string, v esxsim.Volume, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s metadata of %s on datastore %s: %w", op, v.Name, v.Datastore, err)
}
