package driver

import (
	"context"
	"errors"
	"fmt"

	"vmdkvol/driver/vmdkops"
)

// Create makes a volume with a file system on it and leaves it detached. A volume that exists already is success only if
// it holds the file system that was asked for; it is never changed.
func (d *Driver) Create(ctx context.Context, given string, opts map[string]string) error {
	n, err := parseName(given)
	if err != nil {
		return fail("create", given, err)
	}
	opts, fstype, err := options(opts, d.guest.Filesystems())
	if err != nil {
		return fail("create", given, err)
	}
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	h, err := d.volumes.hold(ctx, n.volume)
	if err != nil {
		return fail("create", given, err)
	}
	defer d.release(h)

	c := creation{given: given, volume: n.volume, fstype: fstype}
	if c.origin, err = d.created(ctx, given, opts); err != nil {
		return fail("create", given, err)
	}
	return fail("create", given, d.formatted(ctx, h, &c))
}

// origin is where a volume that exists after a create comes from.
type origin uint8

const (
	ours    origin = iota // this Create made it
	perhaps               // its reply was lost, and the volume exists now
	others                // it was there before
)

// creation is one Create at work.
type creation struct {
	given  string
	volume string
	fstype string
	origin origin
}

// created makes the bare volume. A lost reply is settled by asking.
func (d *Driver) created(ctx context.Context, given string, opts map[string]string) (origin, error) {
	err := d.backend.Create(ctx, given, opts)
	switch {
	case err == nil:
		return ours, nil
	case vmdkops.KindOf(err) == vmdkops.Exists:
		return others, nil
	case vmdkops.KindOf(err) != vmdkops.Unknown:
		return 0, err
	}
	d.settle(ctx, err)
	ctx, cancel := d.undoing(ctx)
	defer cancel()
	if _, asked := d.backend.Get(ctx, given); asked != nil {
		if vmdkops.KindOf(asked) == vmdkops.NotFound {
			return 0, because(Unreachable, fmt.Errorf("the volume was not created as far as is known: %w", err))
		}
		return 0, because(Unreachable, errors.Join(errors.New("it is not known whether the volume was created"), err))
	}
	return perhaps, nil
}

// formatted attaches the new volume, makes its file system if it has none, and detaches it.
func (d *Driver) formatted(ctx context.Context, h *held, c *creation) error {
	v, err := d.backend.Get(ctx, c.given)
	if err != nil {
		return d.undone(ctx, h, c, nil, err)
	}
	full, err := fullName(c.volume, v.Datastore)
	if err != nil {
		return d.undone(ctx, h, c, nil, err)
	}
	if m := h.find(full); m != nil && m.mounted {
		if v.FSType == c.fstype {
			return nil // in use here, so it has the file system that its metadata names
		}
		return because(Exists, fmt.Errorf("the volume exists, is in use here and holds %s, not %s", v.FSType, c.fstype))
	}
	m := h.find(full)
	if m == nil {
		m = d.newMount(full)
		h.add(m)
	}
	if err := d.format(ctx, m, c); err != nil {
		return d.undone(ctx, h, c, m, namedOwner(err, v.AttachedTo))
	}
	if err := d.letGo(ctx, h, m); err != nil {
		d.retryLetGo(h, m)
		return err
	}
	return nil
}

// format makes the file system on a disk that this Create holds attached and found blank.
func (d *Driver) format(ctx context.Context, m *mount, c *creation) error {
	at, err := d.attach(ctx, m.full)
	if err != nil {
		return err
	}
	if m.disk, err = d.guest.Disk(ctx, at); err != nil {
		return err
	}
	content, err := d.guest.Probe(ctx, m.disk)
	switch {
	case err != nil:
		return because(Doubt, err)
	case content == c.fstype && c.origin != ours:
		return nil
	case content == "" && c.origin == others:
		return because(Exists, errors.New("the volume exists, but was never formatted"))
	case content != "" && c.origin != ours:
		return because(Exists, fmt.Errorf("the volume exists and holds %s, not %s", content, c.fstype))
	case content != "":
		return because(Doubt, fmt.Errorf("the disk should be blank, but holds %s", content))
	}
	return d.guest.Mkfs(ctx, m.disk, c.fstype, c.volume)
}

// undone puts back what a failed Create did and returns why it failed. Only a volume that this Create made, and that
// nobody else can have taken since, is removed.
func (d *Driver) undone(ctx context.Context, h *held, c *creation, m *mount, cause error) error {
	ctx, cancel := d.undoing(ctx)
	defer cancel()
	if m != nil {
		if err := d.letGo(ctx, h, m); err != nil {
			d.log.Warn("a failed create could not be undone yet", "volume", c.given, "error", err)
			d.retryLetGo(h, m)
			return cause
		}
	}
	kind, _ := classify(cause)
	if taken := kind == InUse || kind == Doubt; taken || c.origin != ours {
		return cause
	}
	if err := d.removed(ctx, c.given); err != nil {
		return errors.Join(cause, fmt.Errorf("and the volume, which was never formatted, could not be removed: %w", err))
	}
	return cause
}
