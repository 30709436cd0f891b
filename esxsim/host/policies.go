package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"vmdkvol/esxsim"
)

// policyDir has the vSAN policies of a datastore, a file for each (docs/original.md §2.5).
const policyDir = "policies"

const maxPolicy = 64 << 10 // bytes

var _ esxsim.PolicyStore = (*store)(nil)

// Policies implements esxsim.PolicyStore.
func (s *store) Policies(_ context.Context, datastore string) (map[string]string, bool, error) {
	if !slices.Contains(s.vsan, datastore) {
		return nil, false, nil
	}
	top := s.tops[datastore]
	found := map[string]string{}
	err := isPolicyDir(top)
	var files []fs.DirEntry
	if err == nil {
		files, err = fs.ReadDir(top.FS(), policyDir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, true, fmt.Errorf("policies of datastore %s: %w", datastore, err)
	}
	for _, f := range files {
		if !f.Type().IsRegular() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		text, err := readPolicy(top, f.Name())
		if err != nil {
			return nil, true, fmt.Errorf("policy %s of datastore %s: %w", f.Name(), datastore, err)
		}
		found[f.Name()] = string(text)
	}
	return found, true, nil
}

// isPolicyDir fails if there is no directory of policies, or something else in its place.
func isPolicyDir(top *os.Root) error {
	info, err := top.Lstat(policyDir)
	if err == nil && !info.IsDir() {
		err = errors.New(policyDir + " is no directory")
	}
	return err
}

func readPolicy(top *os.Root, name string) ([]byte, error) {
	f, err := top.Open(path.Join(policyDir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err == nil && len(text) > maxPolicy {
		err = fmt.Errorf("it has more than %d bytes", maxPolicy)
	}
	return text, err
}

// SetPolicy implements esxsim.PolicyStore. The file is replaced as a whole.
func (s *store) SetPolicy(_ context.Context, datastore, name, content string) error {
	top := s.tops[datastore]
	if top == nil || name == "" || name[0] == '.' || strings.ContainsAny(name, "/\x00") || len(content) > maxPolicy {
		return fmt.Errorf("policy %q cannot be kept on datastore %s", name, datastore)
	}
	if err := isPolicyDir(top); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := top.MkdirAll(policyDir, 0o700); err != nil {
		return err
	}
	temp := path.Join(policyDir, ".new-"+newUUID())
	f, err := top.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = top.Rename(temp, path.Join(policyDir, name))
	}
	if err != nil {
		_ = top.Remove(temp)
	}
	return err
}

// DropPolicy implements esxsim.PolicyStore.
func (s *store) DropPolicy(_ context.Context, datastore, name string) error {
	top := s.tops[datastore]
	if top == nil || name == "" || name[0] == '.' || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("policy %q: %w", name, esxsim.ErrNotExist)
	}
	err := top.Remove(path.Join(policyDir, name))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("policy %q: %w", name, esxsim.ErrNotExist)
	}
	return err
}
