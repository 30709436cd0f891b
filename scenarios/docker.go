package scenarios

import (
	"context"
	"errors"
	"slices"
	"time"

	"vmdkvol/driver"
)

// daemon is what Docker tells of the containers of a host, in worlds with recovery. There is one container for
// each mount ID, which Docker does not tell, and volume. It is listed, and not running, from its first Mount; it runs some time after the answer; and it is shown as
// running for some time after its Unmount was answered. Containers outlive the plugin, and end with the VM.
type daemon struct {
	h          *host
	object     string // in footprints
	containers []inDocker
}

type inDocker struct {
	id      string
	volumes []string // all names that its one volume was called by
	mounts  int      // that were answered, and not undone
	running bool
}

var _ driver.Docker = (*daemon)(nil)

// The faults of a question to Docker.
const (
	psPoint   = "docker.ps"
	psRefused = "refused"
	psHang    = "hang"
)

var psFaults = []string{psRefused, psHang}

var errNoDocker = errors.New("dial unix /var/run/docker.sock: connect: connection refused")

// Containers implements driver.Docker.
//
//go:norace
func (d *daemon) Containers(ctx context.Context) ([]driver.Container, error) {
	d.h.props.Before(psPoint, d.h.name)
	switch d.h.props.Choose(psPoint, d.h.name, psFaults...) {
	case 1:
		return nil, errNoDocker
	case 2:
		return nil, d.h.plugin.Sleep(ctx, 1000*time.Hour)
	}
	d.h.w.docker.Touch(d.object, false)
	list := make([]driver.Container, len(d.containers))
	for i := range d.containers {
		c := &d.containers[i]
		list[i] = driver.Container{ID: c.id, Running: c.running, Volumes: c.volumes}
	}
	return list, nil
}

// container returns the container with a mount ID, which is made if there is none.
//
//go:norace
func (d *daemon) container(mountID, volume string) *inDocker {
	d.h.w.docker.Touch(d.object, true)
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
	d.containers = append(d.containers, inDocker{id: id, volumes: []string{volume}})
	return &d.containers[len(d.containers)-1]
}

// asks notes what Docker does before it asks the plugin.
//
//go:norace
func (d *daemon) asks(op *Op) {
	if op.Verb == "mount" {
		d.container(op.ID, op.Volume)
	}
}

// heard goes on after an answer of the plugin, or none.
//
//go:norace
func (d *daemon) heard(call *Call) {
	op := call.Op
	switch {
	case op.Verb == "mount" && call.Answer == okAnswer:
		d.container(op.ID, op.Volume).mounts++
		d.h.w.k.Before("docker.started", op.ID)
		c := d.container(op.ID, op.Volume)
		c.running = c.mounts > 0
	case op.Verb == "unmount" && d.has(op):
		c := d.container(op.ID, op.Volume)
		c.mounts = max(c.mounts-1, 0)
		d.h.w.k.Before("docker.ended", op.ID)
		c = d.container(op.ID, op.Volume)
		c.running = c.mounts > 0
	}
}

func containerOf(mountID, volume string) string {
	return "container " + mountID + " of " + volumePart(volume)
}

//
//go:norace
func (d *daemon) has(op *Op) bool {
	id := containerOf(op.ID, op.Volume)
	return slices.ContainsFunc(d.containers, func(c inDocker) bool { return c.id == id })
}

// stop ends all containers.
//
//go:norace
func (d *daemon) stop() {
	for i := range d.containers {
		d.containers[i].running, d.containers[i].mounts = false, 0
	}
}

// hints are the file in which the plugin's lives of a host leave hints to each other.
type hints struct{ names []string }

var _ driver.Hints = (*hints)(nil)

//
//go:norace
func (f *hints) Load() []string { return slices.Clone(f.names) }

//
//go:norace
func (f *hints) Keep(volume string) {
	if !slices.Contains(f.names, volume) {
		f.names = append(f.names, volume)
	}
}

//
//go:norace
func (f *hints) Drop(volume string) {
	f.names = slices.DeleteFunc(f.names, func(n string) bool { return n == volume })
}
