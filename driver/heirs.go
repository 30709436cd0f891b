package driver

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vmdkvol/driver/wire"
)

// heirs are those for whom an earlier life of the plugin mounted a volume: containers that go on, under mount IDs that nobody
// tells. A mount with heirs is held by them beside its references, and only Docker's word ends that.
type heirs struct {
	pass  int       // whose answer this is; 0: Docker was not asked yet
	users []string  // the containers that run
	seen  []string  // those listed that run or have run in an earlier answer: they are not about to start
	ran   bool      // there was a user in some answer
	first time.Time // when Docker was asked for the first of its answers
	since time.Time // the same, or when Docker went on after that to start a container
}

var errHeirs = errors.New("an earlier life of vmdkd mounted the volume, and by what Docker says containers may still use it")

// inUse reports whether anybody holds the mount.
func (m *mount) inUse() bool { return m.refs.total > 0 || m.heirs != nil }

// holders is how many references there are, as far as is known: the containers that run include those of this life.
func (m *mount) holders() int {
	switch {
	case m.heirs == nil:
		return m.refs.total
	case m.heirs.pass == 0:
		return max(m.refs.total, 1)
	}
	return max(m.refs.total, len(m.heirs.users))
}

// known returns the mount of a volume, nil if there is none. What an earlier life mounted in its place is taken over. The
// volume's lock is held.
func (d *Driver) known(ctx context.Context, h held, full string) (*mount, error) {
	m := h.find(full)
	if m != nil || d.recovery == nil {
		return m, nil
	}
	if _, datastore, _ := cutLast(full); datastore == "" {
		return nil, nil // no full name: the driver does not mount there
	}
	m = d.newMount(full)
	disk, err := d.guest.Mounted(ctx, m.path)
	switch {
	case err != nil:
		return nil, err
	case disk == "":
		return nil, nil
	case !filepath.IsAbs(disk):
		return nil, because(Doubt, fmt.Errorf("%s is mounted at %s, which is not the plugin's doing", disk, m.path))
	}
	m.disk, m.mounted, m.heirs = disk, true, &heirs{}
	m.readOnly = d.guest.Verify(ctx, disk, m.path, false) != nil
	d.keep(m)
	h.add(m)
	h.publish()
	d.log.Info("a mount of an earlier life was taken over", "volume", full, "disk", disk)
	return m, nil
}

// proven makes sure that a mount that was taken over is the volume's disk, with the volume's access mode, before anybody new
// is told of it.
func (d *Driver) proven(ctx context.Context, m *mount, v wire.Volume) error {
	readOnly, err := accessMode(v)
	if err != nil {
		return err
	}
	if err := d.plugged(ctx, m); err != nil {
		return err
	}
	if m.readOnly != readOnly {
		return because(Doubt, errors.New("the volume is mounted already, but not as its access mode says"))
	}
	return d.verified(ctx, m)
}

// plugged makes sure that ESX has the volume's disk where it is believed to be. An attach says so for certain, and changes
// nothing if it is: what Get tells is as old as the metadata, and may be about another VM.
func (d *Driver) plugged(ctx context.Context, m *mount) error {
	at, err := d.attach(ctx, m)
	if err != nil {
		return err
	}
	disk, err := d.guest.Disk(ctx, at)
	if err == nil && disk != m.disk {
		err = because(Doubt, fmt.Errorf("the volume's disk is %s, but %s is mounted at %s", disk, m.disk, m.path))
	}
	return err
}

// judge puts Docker's answer in the place of what was believed of a mount's heirs. It reports whether they are gone for
// certain: no container runs, and none can be about to: each further Mount shows that Docker still starts one. The volume's
// lock and the recovery's monitor are held.
func (m *mount) judge(p *pass, r *recovery) (gone bool) {
	w := m.heirs
	if p.number <= w.pass {
		return false // a later answer came first
	}
	was, first := w.seen, w.first
	*w = heirs{pass: p.number, ran: w.ran, since: w.since}
	if w.first = first; first.IsZero() {
		w.first, w.since = p.began, p.began
	}
	about := false
	for i := range p.containers {
		c := &p.containers[i]
		switch {
		case !c.names(m.full):
			continue
		case c.Running:
			w.users = append(w.users, c.ID)
		case !slices.Contains(was, c.ID):
			about = true
			if at := r.lastMount(c); at.Sub(w.first) < slowStart {
				w.since = later(w.since, at)
			}
			continue
		}
		w.seen = append(w.seen, c.ID)
	}
	w.ran = w.ran || len(w.users) > 0
	about = about || !w.ran && !p.remove
	return len(w.users) == 0 && (!about || p.began.Sub(w.since) >= starting)
}

// names reports whether a volume that the container names may be that one. A name without a datastore may be: it can have
// had another default when it was given.
func (c *Container) names(full string) bool {
	volume, datastore, _ := cutLast(full)
	return slices.ContainsFunc(c.Volumes, func(given string) bool {
		v, ds, _ := cutLast(given)
		return v == volume && (ds == "" || ds[0] == '_' || strings.EqualFold(ds, datastore))
	})
}

func cutLast(name string) (volume, datastore string, found bool) {
	if i := strings.LastIndex(name, datastoreMarker); i >= 0 {
		return name[:i], name[i+1:], true
	}
	return name, "", false
}
