package storm_test

import (
	"context"
	"slices"

	"vmdkvol/driver"
)

// witness stands between front and driver and objects to every error that the calls of the storm cannot explain.
type witness struct {
	*driver.Driver
	objection func(format string, args ...any)
}

func (w *witness) explained(err error, kinds ...driver.Kind) {
	if err != nil && !slices.Contains(kinds, driver.KindOf(err)) {
		w.objection("unexplained error, kind %s: %v", driver.KindOf(err), err)
	}
}

// Create finds another file system on the volume than it was asked for.
func (w *witness) Create(ctx context.Context, name string, opts map[string]string) error {
	err := w.Driver.Create(ctx, name, opts)
	w.explained(err, driver.Exists)
	return err
}

// Remove meets a volume that somebody has mounted.
func (w *witness) Remove(ctx context.Context, name string) error {
	err := w.Driver.Remove(ctx, name)
	w.explained(err, driver.InUse)
	return err
}

// Mount meets no volume, because somebody has removed it.
func (w *witness) Mount(ctx context.Context, name, id string) (string, error) {
	at, err := w.Driver.Mount(ctx, name, id)
	w.explained(err, driver.NotFound)
	return at, err
}

// Unmount has no reason to fail: no fault is injected.
func (w *witness) Unmount(ctx context.Context, name, id string) error {
	err := w.Driver.Unmount(ctx, name, id)
	w.explained(err)
	return err
}

// Get meets no volume.
func (w *witness) Get(ctx context.Context, name string) (driver.Volume, error) {
	v, err := w.Driver.Get(ctx, name)
	w.explained(err, driver.NotFound)
	return v, err
}

// List has no reason to fail.
func (w *witness) List(ctx context.Context) ([]driver.Volume, error) {
	vs, err := w.Driver.List(ctx)
	w.explained(err)
	return vs, err
}

// Path has no reason to fail.
func (w *witness) Path(ctx context.Context, name string) (string, error) {
	at, err := w.Driver.Path(ctx, name)
	w.explained(err)
	return at, err
}
