package linuxguest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"vmdkvol/driver/wire"
)

// Below returns the names of the directories directly below the mount root: mountpoints, and what was to become one. It
// opens none of them: a mount whose disk is gone may not answer.
func (g *Guest) Below(ctx context.Context, mountRoot string) ([]string, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	entries, err := os.ReadDir(mountRoot)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look below the mount root: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Present returns the device of the disk at a place, "" if there is none that answers. It looks once.
func (g *Guest) Present(_ context.Context, at wire.Device) (string, error) {
	if !busNumber.MatchString(at.ControllerPciBusNumber) || !unitNumber.MatchString(at.Unit) {
		return "", fmt.Errorf("controller %.20q unit %.20q: %w", at.ControllerPciBusNumber, at.Unit, ErrPlace)
	}
	disk, _, err := g.lookup(at)
	if err != nil {
		return "", nil //nolint:nilerr // it says why there is none
	}
	return disk, nil
}
