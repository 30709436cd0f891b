package driver

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	h, err := d.hold(ctx, n.volume)
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
	full   string // once ESX has said it
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

// A host that creates a volume at the same moment as another one attaches it for a moment: to format it, or to see what
// it holds. That long a Create tries to get its turn.
const (
	takingTurns = 2 * time.Second
	turnPause   = 50 * time.Millisecond
)

// formatted makes the new volume's file system, if it has none, and leaves the volume detached.
func (d *Driver) formatted(ctx context.Context, h held, c *creation) error {
	v, err := d.backend.Get(ctx, c.given)
	if err != nil {
		return d.undone(ctx, h, c, err)
	}
	if c.full, err = fullName(c.volume, v.Datastore); err != nil {
		return d.undone(ctx, h, c, err)
	}
	m, err := d.known(ctx, h, c.full)
	if err != nil {
		return d.undone(ctx, h, c, err)
	}
	if m != nil && m.mounted {
		if v.FSType == c.fstype {
			return nil // in use here, so it has the file system that its metadata names
		}
		return because(Exists, fmt.Errorf("the volume exists, is in use here and holds %s, not %s", v.FSType, c.fstype))
	}
	for end := d.env.Now().Add(takingTurns); ; {
		err := d.turn(ctx, h, c)
		if err == nil {
			return nil
		}
		lingers := h.find(c.full) != nil
		if lingers || !c.othersTurn(err) || !d.env.Now().Before(end) || d.env.Sleep(ctx, turnPause) != nil {
			return d.undone(ctx, h, c, namedOwner(err, v.AttachedTo))
		}
	}
}

// turn attaches the volume, formats it if need be, and detaches it.
func (d *Driver) turn(ctx context.Context, h held, c *creation) error {
	m := h.find(c.full)
	if m == nil {
		m = d.newMount(c.full)
		h.add(m)
	}
	err := d.format(ctx, m, c)
	if err != nil {
		var cancel context.CancelFunc
		ctx, cancel = d.undoing(ctx)
		defer cancel()
	}
	if let := d.letGo(ctx, h, m); let != nil {
		d.log.Warn("a created volume cannot be let go yet", "volume", c.given, "error", let)
		d.retryLetGo(h, m)
		if err == nil {
			err = let
		}
	}
	return err
}

var errNeverFormatted = errors.New("the volume exists, but was never formatted")

// othersTurn reports whether err may be because another host is about to create this volume, too.
func (c *creation) othersTurn(err error) bool {
	kind, _ := classify(err)
	return kind == InUse || errors.Is(err, errNeverFormatted)
}

// format makes the file system on a disk that this Create holds attached and found blank.
func (d *Driver) format(ctx context.Context, m *mount, c *creation) error {
	at, err := d.attach(ctx, m)
	if err != nil {
		return err
	}
	disk, err := d.guest.Disk(ctx, at)
	if err != nil {
		return err // as in bringUp
	}
	m.disk = disk
	content, err := d.guest.Probe(ctx, m.disk)
	switch {
	case err != nil:
		return because(Doubt, err)
	case content == c.fstype && c.origin != ours:
		return nil
	case content == "" && c.origin == others:
		return because(Exists, errNeverFormatted)
	case content != "" && c.origin != ours:
		return because(Exists, fmt.Errorf("the volume exists and holds %s, not %s", content, c.fstype))
	case content != "":
		return because(Doubt, fmt.Errorf("the disk should be blank, but holds %s", content))
	}
	return d.guest.Mkfs(ctx, m.disk, c.fstype, c.volume)
}

// undone puts back what a failed Create did and returns why it failed. Only a volume that this Create made, and that
// nobody else can have taken since, is removed.
func (d *Driver) undone(ctx context.Context, h held, c *creation, cause error) error {
	ctx, cancel := d.undoing(ctx)
	defer cancel()
	kind, _ := classify(cause)
	taken := kind == InUse || kind == Doubt || kind == NotFound // what has the name after a removal is another's
	if lingers := h.find(c.full) != nil; lingers || taken || c.origin != ours {
		return cause
	}
	if err := d.removed(ctx, c.given); err != nil {
		return errors.Join(cause, fmt.Errorf("and the volume, which was never formatted, could not be removed: %w", err))
	}
	return cause
}
