package driver

import (
	"context"
	"errors"
	"strconv"

	"vmdkvol/driver/vmdkops"
)

// Remove deletes a volume. One that does not exist is success; one that has references here is refused.
func (d *Driver) Remove(ctx context.Context, given string) error {
	n, err := parseName(given)
	if err != nil {
		return fail("remove", given, err)
	}
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	err = d.removeUnused(ctx, n)
	if errors.Is(err, errHeirs) {
		if err = d.recoverNow(ctx, n.volume); err == nil {
			err = d.removeUnused(ctx, n)
		}
	}
	return fail("remove", given, err)
}

func (d *Driver) removeUnused(ctx context.Context, n name) error {
	h, err := d.hold(ctx, n.volume)
	if err != nil {
		return err
	}
	defer d.release(h)
	if err := d.unused(ctx, h, n); err != nil {
		return err
	}
	return d.removed(ctx, n.given)
}

// unused makes sure that nothing here holds the volume.
func (d *Driver) unused(ctx context.Context, h held, n name) error {
	if len(h.mounts) == 0 && d.surveyed() {
		return nil
	}
	m := h.find(n.given)
	if m == nil { // another datastore, or an alias not seen before: only ESX knows
		v, err := d.backend.Get(ctx, n.given)
		if vmdkops.KindOf(err) == vmdkops.NotFound && err != nil {
			return nil
		}
		if err != nil {
			return err
		}
		full, err := fullName(n.volume, v.Datastore)
		if err != nil {
			return err
		}
		if m, err = d.known(ctx, h, full); m == nil {
			return err
		}
	}
	if m.refs.total > 0 {
		return because(InUse, errors.New("containers on this host use the volume: it has "+strconv.Itoa(m.refs.total)+" references"))
	}
	if m.heirs != nil {
		return because(InUse, errHeirs)
	}
	return d.letGo(ctx, h, m)
}

// removed asks ESX to delete a volume and settles an unknown outcome by asking whether it is still there.
func (d *Driver) removed(ctx context.Context, given string) error {
	err := d.backend.Remove(ctx, given)
	if err == nil || vmdkops.KindOf(err) != vmdkops.Unknown {
		return err
	}
	d.settle(ctx, err)
	ctx, cancel := d.undoing(ctx)
	defer cancel()
	if _, asked := d.backend.Get(ctx, given); asked != nil && vmdkops.KindOf(asked) == vmdkops.NotFound {
		return nil
	}
	return because(Unreachable, errors.Join(errors.New("it is not known whether the volume was removed"), err))
}
