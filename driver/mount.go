package driver

import (
	"context"
	"errors"
	"fmt"

	"vmdkvol/driver/wire"
)

// Mount adds a reference of the mount ID to the volume and returns its mountpoint. The first reference attaches and
// mounts the disk; the others find it mounted. If the caller is gone when the work is done, the reference is taken back:
// Docker never unmounts what it did not hear of.
func (d *Driver) Mount(ctx context.Context, given, id string) (mountpoint string, err error) {
	n, err := parseName(given)
	if err != nil {
		return "", fail("mount", given, err)
	}
	caller := ctx
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	h, err := d.hold(ctx, n.volume)
	if err != nil {
		return "", fail("mount", given, err)
	}
	defer d.release(h)

	m, err := d.mounted(ctx, h, n)
	if err != nil {
		return "", fail("mount", given, err)
	}
	d.refer(h, m, id)
	if caller.Err() != nil {
		cause := context.Cause(caller)
		ctx, cancel := d.undoing(ctx)
		defer cancel()
		if err := d.unrefer(ctx, h, m, id); err != nil {
			d.log.Warn("could not let a volume go whose mount nobody waits for", "volume", m.full, "error", err)
		}
		return "", fail("mount", given, cause)
	}
	return m.path, nil
}

// refer counts a reference to a volume that is mounted.
func (d *Driver) refer(h held, m *mount, id string) {
	d.env.Touch(m.full, false) // whoever else adds one does not notice
	m.refs.add(id)
	if m.refs.total == 1 {
		h.publish()
	}
}

// mounted returns the volume's mount, made now if there was none. The volume's lock is held.
func (d *Driver) mounted(ctx context.Context, h held, n name) (*mount, error) {
	if m := h.find(n.given); m != nil && m.mounted && m.refs.total > 0 {
		return m, d.verified(ctx, m)
	}
	v, err := d.backend.Get(ctx, n.given)
	if err != nil {
		return nil, err
	}
	full, err := fullName(n.volume, v.Datastore)
	if err != nil {
		return nil, err
	}
	m, err := d.known(ctx, h, full)
	if err != nil {
		return nil, err
	}
	if m == nil {
		m = d.newMount(full)
	}
	if n.given != full && !m.called(n.given) {
		m.aliases = append(m.aliases, n.given)
		if m.mounted && m.inUse() {
			h.publish()
		}
	}
	if m.mounted && m.refs.total > 0 {
		return m, d.verified(ctx, m)
	}
	if m.heirs != nil {
		return m, namedOwner(d.proven(ctx, m, v), v.AttachedTo)
	}
	if err := d.bring(ctx, h, m, v); err != nil {
		return nil, err
	}
	d.noteMount(h)
	return m, nil
}

// verified makes sure that a volume that should be mounted is: an administrator may have unmounted it, or mounted over it,
// and a container must not start on the bare directory.
func (d *Driver) verified(ctx context.Context, m *mount) error {
	if err := d.guest.Verify(ctx, m.disk, m.path, m.readOnly); err != nil {
		return because(Doubt, fmt.Errorf("containers use the volume, but its mountpoint was tampered with: %w", err))
	}
	return nil
}

func (d *Driver) newMount(full string) *mount {
	m := &mount{naming: naming{full: full, path: d.prefix + "/" + full}}
	m.aliases, m.refs.ids = m.aliasRoom[:0], m.refRoom[:0]
	return m
}

// bring attaches and mounts a volume, or leaves nothing behind: without recovery not even what an earlier life of the plugin
// mounted, whose references nobody knows. Containers of that life keep the mount in their own namespaces, and the disk with
// it (Release).
func (d *Driver) bring(ctx context.Context, h held, m *mount, v wire.Volume) error {
	readOnly, err := accessMode(v)
	if err != nil {
		return err
	}
	if h.find(m.full) == nil {
		h.add(m)
	}
	if err := d.bringUp(ctx, m, v.FSType, readOnly); err != nil {
		d.letGoSoon(ctx, h, m)
		return namedOwner(err, v.AttachedTo)
	}
	return nil
}

func (d *Driver) bringUp(ctx context.Context, m *mount, fstype string, readOnly bool) error {
	m.readOnly = readOnly
	at, err := d.attach(ctx, m)
	if err != nil {
		return err
	}
	disk, err := d.guest.Disk(ctx, at)
	if err != nil {
		return err // what is known of a disk that lingers stays known: letGo must look whether somebody holds it
	}
	m.disk = disk
	if there, err := d.mountedAlready(ctx, m); there || err != nil {
		return err
	}
	if fstype == "" {
		if fstype, err = d.contents(ctx, m.disk); err != nil {
			return err
		}
	}
	m.mounted = true // from here on it may be, whatever the answer is
	if err := d.guest.Mount(ctx, m.disk, m.path, fstype, readOnly); err != nil {
		if _, doubt := d.contents(ctx, m.disk); doubt != nil {
			return doubt
		}
		return err
	}
	return nil
}

// mountedAlready reports whether the disk is mounted in its place: it is if an Unmount failed, or if an earlier life of
// the plugin mounted it.
func (d *Driver) mountedAlready(ctx context.Context, m *mount) (bool, error) {
	disk, err := d.guest.Mounted(ctx, m.path)
	if err != nil {
		return false, err
	}
	if disk != "" && disk != m.disk {
		return false, because(Doubt, fmt.Errorf("%s is mounted at %s already", disk, m.path))
	}
	if m.mounted = disk != ""; !m.mounted {
		return false, nil
	}
	if err := d.guest.Verify(ctx, m.disk, m.path, m.readOnly); err != nil {
		return false, because(Doubt, fmt.Errorf("the volume is mounted already, but not as its access mode says: %w", err))
	}
	return true, nil
}

// contents returns the file system on a disk.
func (d *Driver) contents(ctx context.Context, disk string) (string, error) {
	content, err := d.guest.Probe(ctx, disk)
	switch {
	case err != nil:
		return "", err
	case content == "":
		return "", because(Doubt, errors.New("the disk is blank: the volume was created, but never formatted"))
	}
	for _, fs := range d.guest.Filesystems() {
		if fs == content {
			return content, nil
		}
	}
	return "", because(Doubt, fmt.Errorf("the disk holds %s, which is no file system that can be mounted here", content))
}

// accessMode is read-only only if the metadata says so in as many words, and nothing if they say neither.
func accessMode(v wire.Volume) (readOnly bool, err error) {
	switch v.Access {
	case "read-only":
		return true, nil
	case "read-write":
		return false, nil
	}
	return false, because(Doubt, fmt.Errorf("the volume's access mode is %q: its metadata was damaged", v.Access))
}

// namedOwner completes an in-use error with the owner that the volume's metadata names.
func namedOwner(err error, owner string) error {
	if kind, known := classify(err); kind == InUse && known == "" && owner != "" {
		return &kinded{kind: InUse, owner: owner, err: err}
	}
	return err
}
