package driver

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/seam"
)

// DefaultTimeout is how long one operation may take: less than the 30 s after which Docker gives up on a managed plugin,
// because a reply that comes later is a reference nobody knows of.
const DefaultTimeout = 25 * time.Second

// Config is what a Driver needs. Backend, Guest, Env and MountRoot are required.
type Config struct {
	Backend   Backend
	Guest     Guest
	Env       seam.Env
	MountRoot string         // absolute; mountpoints are made directly below it
	Timeout   time.Duration  // of one operation; 0 means DefaultTimeout
	Status    map[string]any // shown with every volume, for example {"backend": "simulated"}; not modified
	Log       *slog.Logger   // nil logs nothing
	Recovery  *Recovery      // nil: what earlier lives of the plugin left is not looked for
}

// Driver is the plugin. Its methods are safe for concurrent use; their errors are *Error.
type Driver struct {
	backend Backend
	guest   Guest
	env     seam.Env
	root    string
	prefix  string // of every mountpoint, before a slash: root, unless that is one
	timeout time.Duration
	status  map[string]any
	log     *slog.Logger

	life    context.Context // ends when Close begins; the background tasks' context
	end     context.CancelCauseFunc
	volumes volumes
	limit   limit

	recovery *recovery // nil: none

	work    seam.Monitor // guards what follows
	tasks   int          // background tasks that still run
	closing bool         // Close waits for them
}

// New makes a driver. It starts nothing and asks nobody.
func New(c Config) (*Driver, error) {
	switch {
	case c.Backend == nil || c.Guest == nil || c.Env == nil:
		return nil, errors.New("driver: config needs a backend, a guest and an env")
	case !filepath.IsAbs(c.MountRoot):
		return nil, errors.New("driver: the mount root " + c.MountRoot + " is not an absolute path")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &Driver{
		backend: c.Backend, guest: c.Guest, env: c.Env, root: filepath.Clean(c.MountRoot), timeout: c.Timeout,
		status: c.Status, log: c.Log,
		volumes: newVolumes(c.Env), limit: *newLimit(c.Env), work: c.Env.NewMonitor("tasks"),
	}
	if r := c.Recovery; r != nil {
		if r.Docker == nil || r.Machine == nil {
			return nil, errors.New("driver: recovery needs Docker and a machine")
		}
		d.recovery = newRecovery(*r, c.Env)
	}
	d.prefix = strings.TrimSuffix(d.root, "/")
	d.life, d.end = context.WithCancelCause(context.Background())
	return d, nil
}

// tasksObject is what Touch calls the background tasks.
const tasksObject = "tasks"

// Close stops the background tasks and waits for them. Volumes stay mounted: containers use them. Requests in flight
// are the caller's to wait for, before Close.
func (d *Driver) Close(ctx context.Context) error {
	d.end(errClosed)
	if err := d.work.Lock(ctx); err != nil {
		return fail("close", "", err)
	}
	defer d.work.Unlock()
	d.closing = true
	d.env.Touch(tasksObject, true)
	for d.tasks > 0 {
		if err := d.work.Wait(ctx); err != nil {
			return fail("close", "", err)
		}
	}
	return nil
}

// background runs f as a task that Close waits for.
func (d *Driver) background(name string, f func()) {
	_ = d.work.Lock(context.Background()) // cannot fail: the context never ends
	d.tasks++
	d.env.Touch(tasksObject, false) // to come and go is seen by Close alone
	d.work.Unlock()
	d.env.Go(name, func() {
		defer func() {
			_ = d.work.Lock(context.Background())
			d.tasks--
			d.env.Touch(tasksObject, false)
			if d.closing {
				d.work.Wake()
			}
			d.work.Unlock()
		}()
		f()
	})
}

// bounded gives one operation its deadline.
func (d *Driver) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return d.env.WithDeadline(ctx, d.env.Now().Add(d.timeout))
}

// undoing is a fresh deadline for putting things back after ctx has ended or is about to.
func (d *Driver) undoing(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx != context.Background() {
		ctx = context.WithoutCancel(ctx)
	}
	return d.bounded(ctx)
}

// settlePause is how long a request whose fate is unknown gets to be executed, before anything is asked or done that it
// could overtake or be overtaken by: the service finishes what it has received, but says no more when.
const settlePause = 2 * time.Second

// settle waits, whether or not ctx has ended, if the fate of a request is unknown. The volume's lock stays held, so that
// nobody acts on the volume in the meantime.
func (d *Driver) settle(ctx context.Context, err error) {
	if err != nil && vmdkops.KindOf(err) == vmdkops.Unknown {
		_ = d.env.Sleep(context.WithoutCancel(ctx), settlePause) // cannot fail: the context never ends
	}
}

// attach attaches a volume. Only if it is not attached yet does it tell how long that takes.
func (d *Driver) attach(ctx context.Context, m *mount) (Place, error) {
	if err := d.settled(ctx); err != nil {
		return Place{}, err
	}
	d.keep(m)
	if err := d.limit.enter(ctx); err != nil {
		return Place{}, err
	}
	var took time.Duration
	defer func() { d.limit.leave(attaching, took) }()
	start := d.env.Now()
	at, err := d.backend.Attach(ctx, m.full)
	if err == nil && !m.attached {
		m.attached = true
		took = d.env.Now().Sub(start)
	}
	d.settle(ctx, err)
	return at, err
}

// detach detaches a volume. Only if it is attached does it tell how long that takes.
func (d *Driver) detach(ctx context.Context, m *mount) error {
	if err := d.settled(ctx); err != nil {
		return err
	}
	if err := d.limit.enter(ctx); err != nil {
		return err
	}
	var took time.Duration
	defer func() { d.limit.leave(detaching, took) }()
	start := d.env.Now()
	err := d.backend.Detach(ctx, m.full)
	if err == nil && m.attached {
		m.attached = false
		took = d.env.Now().Sub(start)
	}
	d.settle(ctx, err)
	return err
}

// hold acquires the lock of a volume and does first what was postponed before. The error is context.Cause(ctx).
func (d *Driver) hold(ctx context.Context, key string) (held, error) {
	h, err := d.volumes.hold(ctx, key)
	if err != nil {
		return held{}, err
	}
	for _, l := range h.behind {
		if l.done {
			continue
		}
		l.done = d.catchUp(ctx, h, l)
	}
	return h, nil
}

// catchUp does a late Unmount; false if it has to be done again.
func (d *Driver) catchUp(ctx context.Context, h held, l *late) bool {
	ctx, cancel := d.undoing(ctx)
	defer cancel()
	err := d.unmountHeld(ctx, h, l.name, l.id)
	if err != nil {
		d.log.Warn("a late unmount failed", "volume", l.name.given, "error", err)
	}
	return !errors.Is(err, errUnresolved)
}

// release gives a volume's lock back; that it was held is an invariant of the caller.
func (d *Driver) release(h held) {
	if err := h.release(); err != nil {
		d.log.Error("lock released twice", "volume", h.key, "error", err)
	}
}
