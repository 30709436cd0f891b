package driver

import (
	"context"
	"time"

	"vmdkvol/seam"
)

// Recovery is what a Driver needs to learn what earlier lives of the plugin left behind, and to find the truth again later:
// Docker's containers, this machine, and a hint. Docker and Machine are required.
type Recovery struct {
	Docker  Docker
	Machine Machine
	Hints   Hints         // nil: none
	Every   time.Duration // from one pass to the next; 0 means DefaultRecovery
	Began   time.Time     // since when there is no earlier life any more, on Env's clock; zero means now
}

// DefaultRecovery is the time from one pass to the next.
const DefaultRecovery = 5 * time.Minute

// Docker is the daemon as recovery needs it.
type Docker interface {
	// Containers returns all containers, running or not, that name volumes of this plugin. An error means that nothing
	// is known. It is called without any lock, and may take until ctx ends: at its start Docker waits for the plugin.
	Containers(ctx context.Context) ([]Container, error)
}

// Container is one that names volumes of this plugin. Docker does not tell the mount IDs that it uses for it.
type Container struct {
	ID      string
	Running bool     // it uses its volumes now; false while it is being started, too
	Volumes []string // as they were named to Docker: aliases, perhaps
}

// Machine is what lies about on this machine, whoever left it there.
type Machine interface {
	// Below returns the names directly below the mount root: mountpoints, and directories that were to become one.
	Below(ctx context.Context, mountRoot string) (names []string, err error)
	// Present returns the disk that is plugged into a place, "" if there is none. Unlike Guest.Disk it does not wait.
	Present(ctx context.Context, at Place) (disk string, err error)
}

// Hints remembers, from one life of the plugin to the next, which volumes may be attached. What it says is a reason to look,
// never the truth, so it may be incomplete or old, and its failures are not reported. Its methods do not wait for anybody.
type Hints interface {
	Load() (volumes []string)
	Keep(volume string)
	Drop(volume string)
}

// Recovery's times.
const (
	// starting is how long Docker may need from a Mount that an earlier life answered to a container that runs.
	starting = 2 * time.Minute
	// slowStart is how long Docker may need for all Mounts of one container: as many as a VM has places, each as slow as can
	// be. Others may mount the same volumes, so their Mounts prove nothing for longer.
	slowStart = 30 * time.Minute
	// dockerPatience bounds one question to Docker. No request waits for it but a Remove that would be refused.
	dockerPatience = 15 * time.Second
	// firstLook is the pause before Docker is asked what an Unmount meant: it notes the end of a container after it. Then
	// the pauses double, because it may be slow.
	firstLook = time.Second
	mostLooks = 6
	// lateness is how long after a volume was let go ESX may still execute an attach that was given up or repeated.
	lateness = time.Minute
)

// recovery is the state of a driver's recovery. Its monitor is a leaf: nothing is waited for under it.
type recovery struct {
	Recovery
	monitor seam.Monitor // guards what follows

	over     bool                 // what is mounted below the root was taken over
	pass     int                  // number of the last question to Docker
	next     time.Time            // when the next pass is due
	silent   int                  // passes in a row in which Docker did not answer
	mute     bool                 // it did not answer the last question
	ended    map[string]int       // volumes of which an Unmount came that Docker has to explain, with the looks so far
	suspects map[string]suspicion // volumes, by full name, that may be attached though nobody wants them
	begun    map[string]time.Time // by volume part, when this life mounted it; not of long ago
}

// suspicion is why a volume may be attached: an earlier life ended while it was, or it was let go, and ESX may still execute
// an attach that was given up or repeated.
type suspicion struct {
	cut   bool
	since time.Time
}

func newRecovery(c Recovery, env seam.Env) *recovery {
	if c.Every == 0 {
		c.Every = DefaultRecovery
	}
	if c.Began.IsZero() {
		c.Began = env.Now()
	}
	r := &recovery{
		Recovery: c, monitor: env.NewMonitor("recovery"), ended: map[string]int{}, suspects: map[string]suspicion{},
		begun: map[string]time.Time{},
	}
	if c.Hints != nil {
		for _, full := range c.Hints.Load() {
			if n, err := parseName(full); err != nil || n.datastore == "" {
				c.Hints.Drop(full) // the file was damaged
				continue
			}
			r.suspects[full] = suspicion{cut: true, since: r.Began}
		}
	}
	return r
}

// guarded runs f, which must not wait, under the monitor.
func (r *recovery) guarded(env seam.Env, f func()) {
	_ = r.monitor.Lock(context.Background()) // cannot fail: the context never ends
	env.Touch("recovery", true)
	f()
	r.monitor.Unlock()
}

// Recover begins recovery in the background, until Close. It does nothing if the driver was made without. It is for when
// the plugin answers already: Docker may wait for that.
func (d *Driver) Recover() {
	if d.recovery == nil {
		return
	}
	d.background("recovery", func() {
		d.takeOver()
		err := d.settled(d.life)
		for err == nil {
			d.recoverAll()
			err = d.awaitPass()
		}
	})
}

// settled waits until ESX has executed what earlier lives asked of it. In two steps, so that one timer that fires early
// does not take the pause away.
func (d *Driver) settled(ctx context.Context) error {
	if d.recovery == nil {
		return nil
	}
	for i := time.Duration(1); i <= 2; i++ {
		if left := d.recovery.Began.Add(settlePause * i / 2).Sub(d.env.Now()); left > 0 {
			if err := d.env.Sleep(ctx, left); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitPass waits until the next pass is due. The error is that the driver is being stopped.
func (d *Driver) awaitPass() error {
	r := d.recovery
	if err := r.monitor.Lock(d.life); err != nil {
		return err
	}
	defer r.monitor.Unlock()
	for d.env.Now().Before(r.next) {
		ctx, cancel := d.env.WithDeadline(d.life, r.next)
		_ = r.monitor.Wait(ctx) // the time is looked at anyway
		cancel()
		if d.life.Err() != nil {
			return context.Cause(d.life)
		}
		d.env.Touch("recovery", false)
	}
	return nil
}

// soon has the next pass come at t, if it would come later. The monitor is held.
func (r *recovery) soon(t time.Time) {
	if t.Before(r.next) {
		r.next = t
		r.monitor.Wake()
	}
}

// remember notes an Unmount of what may be a reference of an earlier life: only Docker can say what it means, and only to
// somebody who asks later: true if it may be one. The volume's lock is held.
func (d *Driver) remember(h held) (perhaps bool) {
	r := d.recovery
	if r == nil {
		return false
	}
	inherited := false
	for _, m := range h.mounts {
		inherited = inherited || m.heirs != nil
	}
	r.guarded(d.env, func() {
		perhaps = inherited || !r.over
		if inherited || !r.over {
			r.ended[h.key] = 0
			r.soon(d.env.Now().Add(firstLook))
		}
	})
	return perhaps
}

// noteMount notes that Docker goes on with the start of a container, perhaps: its next volume was mounted. The volume's lock is
// held.
func (d *Driver) noteMount(h held) {
	if r := d.recovery; r != nil {
		r.guarded(d.env, func() { r.begun[h.key] = d.env.Now() })
	}
}

// lastMount is when this life last mounted a volume that the container names; zero if that was not lately.
func (r *recovery) lastMount(c *Container) (at time.Time) {
	for _, given := range c.Volumes {
		volume, _, _ := cutLast(given)
		at = later(at, r.begun[volume])
	}
	return at
}

// surveyed reports whether every mount of an earlier life is known.
func (d *Driver) surveyed() (over bool) {
	if d.recovery != nil {
		d.recovery.guarded(d.env, func() { over = d.recovery.over })
	}
	return over || d.recovery == nil
}

// keep leaves a hint before a volume is attached.
func (d *Driver) keep(m *mount) {
	if r := d.recovery; r != nil && r.Hints != nil && !m.kept {
		m.kept = true
		r.Hints.Keep(m.full)
	}
}

// suspect notes that a volume was let go.
func (d *Driver) suspect(m *mount) {
	if r := d.recovery; r != nil {
		r.guarded(d.env, func() { r.suspects[m.full] = suspicion{since: d.env.Now()} })
	}
}

// trust forgets what was suspected of a volume.
func (d *Driver) trust(full string) {
	r := d.recovery
	r.guarded(d.env, func() { delete(r.suspects, full) })
	if r.Hints != nil {
		r.Hints.Drop(full)
	}
}
