package driver

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// pass is one look at everything that is in use, or may be.
type pass struct {
	number     int
	began      time.Time // before Docker was asked
	remove     bool      // Docker asks to remove the volume, which it does only if no container that it knows names it
	docker     error     // why nothing is known of containers
	containers []Container
	candidates map[string][]string // names by volume part
	open       map[string]bool     // volume parts of which something still has heirs, as far as is known
	about      time.Time           // by then, what nobody uses now was not for a container about to start; zero: there is none
}

// takeOver makes known what is mounted, before anybody asks for it.
func (d *Driver) takeOver() {
	p := &pass{candidates: map[string][]string{}}
	over := d.below(p)
	for _, key := range slices.Sorted(maps.Keys(p.candidates)) {
		looked := d.each(d.life, key, func(ctx context.Context, h held) {
			for _, full := range p.candidates[key] {
				if _, err := d.known(ctx, h, full); err != nil {
					over = false
					d.log.Warn("recovery cannot take a mount over", "volume", full, "error", err)
				}
			}
		})
		over = over && looked
	}
	d.recovery.guarded(d.env, func() { d.recovery.over = over })
}

// recoverAll is a pass over everything.
func (d *Driver) recoverAll() {
	r := d.recovery
	var ended map[string]int
	r.guarded(d.env, func() {
		ended, r.ended = r.ended, map[string]int{}
		r.next = d.env.Now().Add(r.Every)
	})
	p := d.ask(d.life)
	d.candidates(p)
	for _, key := range slices.Sorted(maps.Keys(p.candidates)) {
		d.recoverOne(d.life, p, key)
	}
	r.guarded(d.env, func() { r.plan(p, ended, d.env.Now()) })
}

// recoverNow is a pass over what one Remove is about.
func (d *Driver) recoverNow(ctx context.Context, key string) error {
	p := d.ask(ctx)
	p.remove = true
	d.recoverOne(ctx, p, key)
	if p.docker != nil {
		return because(InUse, errors.Join(errHeirs, p.docker))
	}
	return nil
}

// ask begins a pass: without any lock, it asks Docker.
func (d *Driver) ask(ctx context.Context) *pass {
	r := d.recovery
	p := &pass{began: d.env.Now(), candidates: map[string][]string{}, open: map[string]bool{}}
	r.guarded(d.env, func() {
		r.pass++
		p.number = r.pass
	})
	ctx, cancel := d.env.WithDeadline(ctx, p.began.Add(dockerPatience))
	defer cancel()
	p.containers, p.docker = r.Docker.Containers(ctx)
	d.sayOfDocker(p.docker)
	return p
}

// sayOfDocker reports that Docker fell silent, and that it answers again: on a machine without Docker every pass could.
func (d *Driver) sayOfDocker(err error) {
	if d.life.Err() != nil {
		return
	}
	changed := false
	d.recovery.guarded(d.env, func() {
		changed = d.recovery.mute != (err != nil)
		d.recovery.mute = err != nil
	})
	switch {
	case changed && err != nil:
		d.log.Warn("recovery: Docker does not say which containers there are; until it does, nothing of an earlier life is let go", "error", err)
	case changed:
		d.log.Info("recovery: Docker answers again")
	case err != nil:
		d.log.Debug("recovery: Docker still does not say which containers there are", "error", err)
	}
}

// candidates collects what a pass looks at. Of Docker's containers it is those that run: there may be many that do not.
func (d *Driver) candidates(p *pass) {
	for i := range p.containers {
		if p.containers[i].Running {
			for _, name := range p.containers[i].Volumes {
				p.add(name)
			}
		}
	}
	d.below(p)
	d.recovery.guarded(d.env, func() {
		for _, full := range slices.Sorted(maps.Keys(d.recovery.suspects)) {
			p.add(full)
		}
	})
	_ = d.volumes.table.Lock(context.Background()) // cannot fail: the context never ends
	defer d.volumes.table.Unlock()
	d.env.Touch(publishedObject, true) // of all volumes, also those that have no record yet
	for _, key := range slices.Sorted(maps.Keys(d.volumes.records)) {
		for _, m := range d.volumes.records[key].published {
			p.add(m.full)
		}
	}
}

// below adds what is below the mount root.
func (d *Driver) below(p *pass) (whole bool) {
	names, err := d.recovery.Machine.Below(d.life, d.root)
	if err != nil {
		d.log.Warn("recovery: the mount root cannot be read", "root", d.root, "error", err)
	}
	for _, name := range names {
		p.add(name)
	}
	return err == nil
}

// add adds a candidate. What cannot be a volume is none.
func (p *pass) add(given string) {
	if n, err := parseName(given); err == nil && !slices.Contains(p.candidates[n.volume], given) {
		p.candidates[n.volume] = append(p.candidates[n.volume], given)
	}
}

// each runs f under the lock of a volume. One that stays locked for as long as an operation may take is left out: false.
func (d *Driver) each(ctx context.Context, key string, f func(ctx context.Context, h held)) bool {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	h, err := d.hold(ctx, key)
	if err != nil {
		return false
	}
	defer d.release(h)
	f(ctx, h)
	return true
}

// recoverOne looks at the volumes of one volume part. Each costs one Get.
func (d *Driver) recoverOne(ctx context.Context, p *pass, key string) {
	p.open[key] = true // until it was looked at
	d.each(ctx, key, func(ctx context.Context, h held) {
		names := slices.Clone(p.candidates[key])
		for _, m := range h.mounts {
			names = append(names, m.full)
		}
		slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) }) // v@ds1 before v, which may be the same
		looked := map[string]bool{}
		for _, given := range names {
			if m := h.find(given); looked[given] || m != nil && looked[m.full] {
				continue
			}
			v, err := d.backend.Get(ctx, given)
			full := given
			if err == nil {
				full, err = fullName(key, v.Datastore)
			}
			if err != nil {
				d.unsaid(ctx, h, full, err)
				continue
			}
			if !looked[full] {
				looked[full] = true
				d.look(ctx, h, p, full, v)
			}
			if m := h.find(full); m != nil && !m.called(given) {
				m.aliases = append(m.aliases, given)
				h.publish()
			}
		}
		p.open[key] = slices.ContainsFunc(h.mounts, func(m *mount) bool { return m.heirs != nil })
	})
}

// unsaid is what to do about a volume of which ESX does not say what it is: nothing, but to know of what is mounted.
func (d *Driver) unsaid(ctx context.Context, h held, name string, err error) {
	m, taken := d.known(ctx, h, name)
	if m == nil && taken == nil && vmdkops.KindOf(err) == vmdkops.NotFound {
		d.trust(name)
		return
	}
	d.log.Warn("recovery: nothing certain is known of a volume", "volume", name, "error", errors.Join(err, taken))
}

// look compares what is believed of a volume with what is, and lets it go if nobody uses it for certain.
func (d *Driver) look(ctx context.Context, h held, p *pass, full string, v wire.Volume) {
	m, err := d.known(ctx, h, full)
	disk := ""
	if err == nil && v.Device != nil {
		disk, err = d.recovery.Machine.Present(ctx, *v.Device)
	}
	switch {
	case err != nil:
		d.log.Warn("recovery cannot see what is there of a volume", "volume", full, "error", err)
		return
	case m == nil:
		d.stray(ctx, h, p, full, v.Device != nil, disk != "")
		return
	case m.mounted && m.disk != disk:
		d.log.Warn("recovery: the volume is mounted, but not from where ESX has it", "volume", full, "mounted", m.disk, "esx", disk)
	}
	if m.heirs == nil || p.docker != nil {
		return
	}
	gone := false
	if d.recovery.guarded(d.env, func() { gone = m.judge(p, d.recovery) }); !gone {
		if len(m.heirs.users) == 0 {
			p.about = later(p.about, m.heirs.since.Add(starting))
		}
		return
	}
	if m.disk != disk {
		if err := d.plugged(ctx, m); err != nil {
			d.log.Warn("recovery: nobody uses the volume, but what is mounted in its place stays", "volume", full, "error", err)
			return
		}
	}
	m.heirs = nil
	if h.publish(); m.refs.total == 0 {
		d.log.Info("recovery: no container uses the volume any more", "volume", full)
		d.abandon(ctx, h, m)
	}
}

// stray lets go what is attached without being mounted: a request of an earlier life, or one that ESX executed after it was
// given up.
func (d *Driver) stray(ctx context.Context, h held, p *pass, full string, attached, visible bool) {
	r := d.recovery
	var last suspicion
	var suspect bool
	r.guarded(d.env, func() { last, suspect = r.suspects[full] })
	switch {
	case last.cut: // metadata that were not written say nothing
	case !attached:
		if !suspect || p.began.Sub(last.since) >= lateness {
			d.trust(full)
		}
		return
	case !visible && !suspect: // attached to another VM
		return
	}
	if p.docker != nil || slices.ContainsFunc(p.containers, func(c Container) bool { return c.Running && c.names(full) }) {
		return // a container's own mount may be all that is left
	}
	m := d.newMount(full)
	at, err := d.attach(ctx, m) // which fails if what is in that place is another volume, and this one another VM's
	if err != nil {
		if kind, _ := classify(err); kind == InUse || kind == NotFound {
			d.trust(full)
		}
		return
	}
	if m.disk, err = d.guest.Disk(ctx, at); err != nil {
		d.log.Warn("recovery: a volume is attached that cannot be seen", "volume", full, "error", err)
	}
	h.add(m)
	d.log.Info("recovery: a volume is attached that nobody uses", "volume", full)
	d.abandon(ctx, h, m)
}

// abandon lets a volume go that nobody uses, now or in the background.
func (d *Driver) abandon(ctx context.Context, h held, m *mount) {
	if err := d.letGo(ctx, h, m); err != nil {
		d.log.Warn("recovery cannot let a volume go yet", "volume", m.full, "error", err)
		d.retryLetGo(h, m)
	}
}

// plan says when the next pass comes, after one at whose beginning these Unmounts waited to be explained. The monitor is held.
func (r *recovery) plan(p *pass, ended map[string]int, now time.Time) {
	maps.DeleteFunc(r.begun, func(_ string, at time.Time) bool { return p.began.Sub(at) >= starting })
	if p.docker == nil {
		r.silent = 0
	} else {
		r.soon(now.Add(min(r.Every, firstLook<<min(r.silent, mostLooks))))
		r.silent++
	}
	for _, key := range slices.Sorted(maps.Keys(ended)) {
		looks := ended[key]
		if _, later := r.ended[key]; later || p.docker == nil && !p.open[key] {
			continue
		}
		if p.docker == nil {
			looks++
			r.soon(now.Add(firstLook << looks))
		}
		if looks < mostLooks {
			r.ended[key] = looks
		}
	}
	if !p.about.IsZero() {
		r.soon(later(now.Add(firstLook), p.about))
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
