package scenarios

import (
	"context"
	"slices"

	"vmdkvol/dockersim"
	"vmdkvol/driver"
)

// dockerOf is Docker as the driver of a host sees it, in worlds with recovery.
type dockerOf struct{ h *host }

var _ driver.Docker = dockerOf{}

// Containers implements driver.Docker.
//
//go:norace
func (l dockerOf) Containers(ctx context.Context) ([]driver.Container, error) {
	all, err := l.h.docker.Containers(ctx, l.h.plugin)
	if err != nil {
		return nil, err
	}
	list := make([]driver.Container, len(all))
	for i, c := range all {
		list[i] = driver.Container(c)
	}
	return list, nil
}

// install gives each host its Docker.
func (w *World) install() {
	for _, h := range w.hosts {
		h.docker = dockersim.New(dockersim.Config{Env: w.docker, Stage: &h.props, Host: h.name})
	}
}

// heard goes on after an answer of the plugin, or none.
//
//go:norace
func (h *host) heard(call *Call) {
	switch op := call.Op; {
	case op.Verb == "mount" && call.Answer == okAnswer:
		h.docker.Mounted(op.ID, op.Volume)
	case op.Verb == "unmount":
		h.docker.Unmounted(op.ID, op.Volume)
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
