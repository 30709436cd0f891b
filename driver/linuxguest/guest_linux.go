package linuxguest

import (
	"context"
	"time"
)

// Guest implements driver.Guest on the machine it runs on. It has no state; all methods may be called at once for
// different disks and mountpoints.
type Guest struct {
	cfg    Config
	usable func(disk string) error // is there a disk behind this device? Replaced in tests that have no root.
}

// New returns a Guest. It looks at nothing yet and starts nothing, so there is nothing to close.
func New(cfg Config) (*Guest, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Guest{cfg: cfg, usable: usableDisk}, nil
}

// pause waits for d, at most until ctx is done, and returns its cause then.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
