package dockersim

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"vmdkvol/seam"
)

// Config is what a daemon needs; all of it.
type Config struct {
	Env   seam.Env // Docker's
	Stage seam.Stage
	Host  string // whose daemon this is, in schedules
}

// Daemon is that of one host. Make it with New.
type Daemon struct {
	cfg        Config
	object     string // in footprints
	containers []container
}

type container struct {
	id      string
	volumes []string // all names that its one volume was called by
	mounts  int      // that were answered, and not undone
	running bool
}

// Container is one that names volumes, as the daemon lists it.
type Container struct {
	ID      string
	Running bool
	Volumes []string // not to be changed
}

// New makes a daemon without containers.
func New(cfg Config) *Daemon { return &Daemon{cfg: cfg, object: "containers of " + cfg.Host} }

// Question is the point at which somebody asks for the list.
const Question = "docker.ps"

// questionFaults are what a question can meet.
var questionFaults = []string{"refused", "hang"}

// Faults lists what a question can meet, as op:fault.
func Faults() []string {
	var all []string
	for _, f := range questionFaults {
		all = append(all, Question+":"+f)
	}
	return all
}

var errRefused = errors.New("dial unix /var/run/docker.sock: connect: connection refused")

// Containers lists them. Of is the world of who asks, in which a question waits that hangs.
//
//go:norace
func (d *Daemon) Containers(ctx context.Context, of seam.Env) ([]Container, error) {
	d.cfg.Stage.Before(Question, d.cfg.Host)
	switch d.cfg.Stage.Choose(Question, d.cfg.Host, questionFaults...) {
	case 1:
		return nil, errRefused
	case 2:
		return nil, of.Sleep(ctx, 1000*time.Hour)
	}
	d.cfg.Env.Touch(d.object, false)
	list := make([]Container, len(d.containers))
	for i := range d.containers {
		c := &d.containers[i]
		list[i] = Container{ID: c.id, Running: c.running, Volumes: c.volumes}
	}
	return list, nil
}

// container returns the container with a mount ID, which is made if there is none.
//
//go:norace
func (d *Daemon) container(mountID, volume string) *container {
	d.cfg.Env.Touch(d.object, true)
	id := containerOf(mountID, volume)
	for i := range d.containers {
		c := &d.containers[i]
		if c.id == id {
			if !slices.Contains(c.volumes, volume) {
				c.volumes = append(slices.Clone(c.volumes), volume)
			}
			return c
		}
	}
	d.containers = append(d.containers, container{id: id, volumes: []string{volume}})
	return &d.containers[len(d.containers)-1]
}

// Asks notes what Docker does before it asks the plugin to mount.
//
//go:norace
func (d *Daemon) Asks(mountID, volume string) { d.container(mountID, volume) }

// Mounted goes on after the plugin has answered that a volume is mounted: the container starts.
//
//go:norace
func (d *Daemon) Mounted(mountID, volume string) {
	d.container(mountID, volume).mounts++
	d.cfg.Stage.Before("docker.started", mountID)
	c := d.container(mountID, volume)
	c.running = c.mounts > 0
}

// Unmounted goes on after the plugin has answered an Unmount, or has not: the container has ended, and Docker notes it.
//
//go:norace
func (d *Daemon) Unmounted(mountID, volume string) {
	if !d.has(mountID, volume) {
		return
	}
	c := d.container(mountID, volume)
	c.mounts = max(c.mounts-1, 0)
	d.cfg.Stage.Before("docker.ended", mountID)
	c = d.container(mountID, volume)
	c.running = c.mounts > 0
}

// containerOf is the ID of a container, whether its volume is called by its full name or not.
func containerOf(mountID, volume string) string {
	if i := strings.LastIndexByte(volume, '@'); i >= 0 {
		volume = volume[:i]
	}
	return "container " + mountID + " of " + volume
}

//go:norace
func (d *Daemon) has(mountID, volume string) bool {
	id := containerOf(mountID, volume)
	return slices.ContainsFunc(d.containers, func(c container) bool { return c.id == id })
}

// PowerOff ends all containers, as the loss of their VM does.
//
//go:norace
func (d *Daemon) PowerOff() {
	for i := range d.containers {
		d.containers[i].running, d.containers[i].mounts = false, 0
	}
}
