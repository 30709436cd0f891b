package driver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"vmdkvol/driver/vmdkops"
)

// Unmount drops one reference of the mount ID. The last reference of a volume unmounts and detaches its disk. An ID that
// holds no reference is success: there is nothing left to undo.
//
// The reference is gone even if the disk could not be let go: Docker never repeats an Unmount. The disk is then let go
// in the background.
func (d *Driver) Unmount(ctx context.Context, given, id string) error {
	n, err := parseName(given)
	if err != nil {
		return fail("unmount", given, err)
	}
	ctx, cancel := d.undoing(ctx) // a caller that is gone does not come back to do it
	defer cancel()
	h, err := d.hold(ctx, n.volume)
	if err != nil {
		d.unmountLater(n, id)
		return fail("unmount", given, fmt.Errorf("the volume is busy and will be unmounted later: %w", err))
	}
	defer d.release(h)
	err = d.unmountHeld(ctx, h, n, id)
	if errors.Is(err, errUnresolved) {
		d.unmountLater(n, id)
	}
	return fail("unmount", given, err)
}

// errUnresolved says that an Unmount has dropped no reference, although there may be one.
var errUnresolved = errors.New("ESX did not say which volume that is; it will be asked again")

// unmountLater does what an Unmount could not do in time: Docker does not come again.
func (d *Driver) unmountLater(n name, id string) {
	l := &late{name: n, id: id}
	d.volumes.postpone(l)
	d.background("unmount "+n.given, func() {
		for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
			h, err := d.hold(d.life, n.volume) // which does it, unless somebody else has
			if err != nil {
				return // the driver is being stopped, and the volume stays mounted like all others
			}
			done := l.done
			d.release(h)
			if done {
				break
			}
			if d.env.Sleep(d.life, pause) != nil {
				return
			}
		}
		d.volumes.settled(l)
	})
}

func (d *Driver) unmountHeld(ctx context.Context, h held, n name, id string) error {
	m, err := d.referredBy(ctx, h, n, id)
	if err != nil {
		return err
	}
	if m == nil {
		what := "unmount of a mount ID without a reference"
		if d.remember(h) {
			what = "unmount of a mount ID of an earlier life, perhaps: Docker will be asked whether a container still uses the volume"
		}
		d.log.LogAttrs(ctx, slog.LevelInfo, what, slog.String("volume", n.given), slog.String("id", id))
		return nil
	}
	return d.unrefer(ctx, h, m, id)
}

// referredBy returns the mount on which the ID holds a reference under that name; nil if there is none. A name under
// which nothing was mounted may still be an alias: then only ESX knows.
func (d *Driver) referredBy(ctx context.Context, h held, n name, id string) (*mount, error) {
	candidate := false
	for _, m := range h.mounts {
		if m.refs.has(id) {
			if m.called(n.given) {
				return m, nil
			}
			candidate = true
		}
	}
	if !candidate {
		return nil, nil
	}
	v, err := d.backend.Get(ctx, n.given)
	if err != nil {
		if vmdkops.KindOf(err) == vmdkops.NotFound {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: %w", errUnresolved, err)
	}
	full, err := fullName(n.volume, v.Datastore)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnresolved, err)
	}
	if m := h.find(full); m != nil && m.refs.has(id) {
		return m, nil
	}
	return nil, nil
}

// unrefer drops a reference and, if it was the last, lets the volume go.
func (d *Driver) unrefer(ctx context.Context, h held, m *mount, id string) error {
	d.env.Touch(m.full, true) // others who add or drop one see whether it is the last
	m.refs.drop(id)
	if m.refs.total > 0 {
		return nil
	}
	if m.heirs != nil {
		d.remember(h)
		return nil
	}
	h.publish()
	err := d.letGo(ctx, h, m)
	if err != nil {
		d.retryLetGo(h, m)
	}
	return err
}

// letGo unmounts and detaches a volume without references. After an error it is still attached, as far as is known.
func (d *Driver) letGo(ctx context.Context, h held, m *mount) error {
	if m.disk == "" { // never found in this life; an earlier one may have mounted it
		disk, err := d.guest.Mounted(ctx, m.path)
		if err != nil {
			return err
		}
		if disk != "" && !filepath.IsAbs(disk) {
			return because(InUse, fmt.Errorf("%s is mounted at %s, which is not the plugin's doing", disk, m.path))
		}
		m.disk, m.mounted = disk, m.mounted || disk != ""
	}
	if m.mounted {
		if err := d.guest.Unmount(ctx, m.path); err != nil {
			return because(InUse, err)
		}
		m.mounted = false
	}
	if m.disk != "" {
		if err := d.guest.Release(ctx, m.disk); err != nil {
			return because(InUse, err)
		}
		m.disk = "" // nobody held it, and nobody gets it before the next attach; after a detach it may be another's
	}
	if err := d.detach(ctx, m); err != nil {
		return err
	}
	h.remove(m)
	d.suspect(m)
	return nil
}

// letGoSoon undoes a failed mount, now or in the background.
func (d *Driver) letGoSoon(ctx context.Context, h held, m *mount) {
	ctx, cancel := d.undoing(ctx)
	defer cancel()
	if err := d.letGo(ctx, h, m); err != nil {
		d.log.Warn("a failed mount could not be undone yet", "volume", m.full, "error", err)
		d.retryLetGo(h, m)
	}
}

// The pauses between attempts to let a volume go.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// retryLetGo lets a volume go in the background. The volume's lock is held.
func (d *Driver) retryLetGo(h held, m *mount) {
	if m.retry {
		return
	}
	m.retry = true
	key := h.key
	d.background("let go "+m.full, func() {
		for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
			if d.env.Sleep(d.life, pause) != nil || d.tryLetGo(key, m) {
				return
			}
		}
	})
}

// tryLetGo reports whether no further attempt is needed.
func (d *Driver) tryLetGo(key string, m *mount) bool {
	ctx, cancel := d.bounded(d.life)
	defer cancel()
	h, err := d.hold(ctx, key)
	if err != nil {
		return false
	}
	defer d.release(h)
	if m.refs.total == 0 && h.find(m.full) == m {
		if err := d.letGo(ctx, h, m); err != nil {
			d.log.Warn("a volume without references cannot be let go yet", "volume", m.full, "error", err)
			return false
		}
		d.log.Info("a volume without references was let go", "volume", m.full)
	}
	m.retry = false
	return true
}
