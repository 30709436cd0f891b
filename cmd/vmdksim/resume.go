package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"vmdkvol/explore"
)

// progress is what verify --resume keeps: the certificate of the programs so far, in their order, and what has to be the same
// for the rest to belong to them. A program that is not explored to its end when verify stops is explored again.
type progress struct {
	Format      string      `json:"format"`
	Build       string      `json:"build"` // hash of the program file: another build may do other steps
	Locks       string      `json:"locks"` // the lock model
	Shard       string      `json:"shard"`
	Limit       int         `json:"limit"`
	Audit       int         `json:"audit"`
	Certificate certificate `json:"certificate"`
}

const progressFormat = "vmdksim verify, progress 1"

// begin reads the progress of an earlier call, or makes one without programs.
func (v *verification) begin() (*progress, error) {
	fresh := &progress{
		Format: progressFormat, Locks: v.locks, Shard: v.shard, Limit: v.limit, Audit: v.audit,
		Certificate: certificate{Clients: v.scope.Clients, Ops: v.scope.Ops, Faults: v.scope.Faults, hash: explore.NewHash()},
	}
	fresh.Certificate.Hash = fresh.Certificate.hash.String()
	if v.resume == "" {
		return fresh, nil
	}
	var err error
	if fresh.Build, err = buildHash(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(v.resume)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fresh, v.save(fresh) // if it cannot be written, say so now
	case err != nil:
		return nil, badInput(err)
	}
	old, hash := &progress{}, uint64(0)
	if err = json.Unmarshal(text, old); err == nil {
		hash, err = strconv.ParseUint(old.Certificate.Hash, 16, 64)
	}
	if err != nil || old.Format != progressFormat || old.Certificate.Programs < 0 {
		return nil, badInput(fmt.Errorf("%s is no progress of verify; it is left as it is: name a file that does not exist yet", v.resume))
	}
	if err := old.fits(fresh); err != nil {
		return nil, badInput(fmt.Errorf("%s is the progress of %w; it is left as it is: give the same flags, or another file", v.resume, err))
	}
	old.Certificate.hash = explore.Hash(hash)
	return old, nil
}

// fits says why a progress cannot be gone on from.
func (p *progress) fits(now *progress) error {
	c, d := &p.Certificate, &now.Certificate
	switch {
	case c.Clients != d.Clients || c.Ops != d.Ops || c.Faults != d.Faults:
		return fmt.Errorf("another scope: %d clients, %d operations, %d faults", c.Clients, c.Ops, c.Faults)
	case p.Shard != now.Shard || p.Limit != now.Limit || p.Audit != now.Audit:
		return fmt.Errorf("other flags: --shard %s --limit %d --audit %d", p.Shard, p.Limit, p.Audit)
	case p.Locks != now.Locks:
		return fmt.Errorf("another lock model: %s", p.Locks)
	case p.Build != now.Build:
		return errors.New("another build of vmdksim, whose steps may be others")
	}
	return nil
}

// save writes the progress; the file is always whole.
func (v *verification) save(p *progress) error {
	if v.resume == "" {
		return nil
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(v.resume), filepath.Base(v.resume)+".*")
	if err != nil {
		return badInput(err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), v.resume)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is only a copy
	}
	return err
}

func buildHash() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
