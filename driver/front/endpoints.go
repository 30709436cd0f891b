package front

import (
	"context"
	"time"

	"github.com/docker/go-plugins-helpers/volume"

	"vmdkvol/driver"
)

// request holds the fields of every request of the protocol; each endpoint uses some of them. Fields that it does
// not know are no error: Docker may grow.
type request struct {
	volume.MountRequest                   // Name, ID
	Opts                map[string]string // Create
}

// endpoint is one call of the protocol.
type endpoint struct {
	op      string
	noBody  bool
	dropped bool // never answers an error that is not definite (moby daemon/volume/service/store.go, lookupVolume)
	mounts  bool // what it answers is of use only to who sees the mount
	call    func(ctx context.Context, r *request) (answer any, err error)
}

// done is the answer of a call that returns nothing: {"Err":""}.
func done(err error) (any, error) { return volume.ErrorResponse{}, err }

// mounted, one, many and scope carry the helpers' answers together with the empty Err that the protocol documents.
type (
	mounted struct {
		volume.MountResponse
		volume.ErrorResponse
	}
	one struct {
		volume.GetResponse
		volume.ErrorResponse
	}
	many struct {
		volume.ListResponse
		volume.ErrorResponse
	}
	scope struct {
		volume.CapabilitiesResponse
		volume.ErrorResponse
	}
)

func (h *Handler) endpoints() []endpoint {
	return []endpoint{
		{op: "Create", call: func(ctx context.Context, r *request) (any, error) {
			return done(h.driver.Create(ctx, r.Name, r.Opts))
		}},
		{op: "Remove", call: func(ctx context.Context, r *request) (any, error) {
			return done(h.driver.Remove(ctx, r.Name))
		}},
		{op: "Mount", mounts: true, call: func(ctx context.Context, r *request) (any, error) {
			return mountpoint(h.driver.Mount(ctx, r.Name, r.ID))
		}},
		{op: "Unmount", call: func(ctx context.Context, r *request) (any, error) {
			return done(h.driver.Unmount(ctx, r.Name, r.ID))
		}},
		{op: "Path", call: func(ctx context.Context, r *request) (any, error) {
			return mountpoint(h.driver.Path(ctx, r.Name))
		}},
		{op: "Get", dropped: true, call: func(ctx context.Context, r *request) (any, error) {
			v, err := h.driver.Get(ctx, r.Name)
			if err != nil {
				return nil, err
			}
			return one{GetResponse: volume.GetResponse{Volume: forDocker(v)}}, nil
		}},
		{op: "List", noBody: true, call: func(ctx context.Context, _ *request) (any, error) {
			vs, err := h.driver.List(ctx)
			if err != nil {
				return nil, err
			}
			out := make([]*volume.Volume, len(vs)) // [] and not null when there is none
			for i, v := range vs {
				out[i] = forDocker(v)
			}
			return many{ListResponse: volume.ListResponse{Volumes: out}}, nil
		}},
		{op: "Capabilities", noBody: true, call: func(context.Context, *request) (any, error) {
			// global: one volume seen by all hosts of a swarm is created once.
			c := volume.CapabilitiesResponse{Capabilities: volume.Capability{Scope: "global"}}
			return scope{CapabilitiesResponse: c}, nil
		}},
	}
}

func mountpoint(path string, err error) (any, error) {
	return mounted{MountResponse: volume.MountResponse{Mountpoint: path}}, err
}

// forDocker drops a creation time that Docker could not read: it would take the whole answer for an error, and an
// error of Get makes it forget the volume (moby daemon/volume/drivers/proxy.go decodes into a time.Time).
func forDocker(v driver.Volume) *volume.Volume {
	out := &volume.Volume{Name: v.Name, Mountpoint: v.Mountpoint, Status: v.Status}
	if _, err := time.Parse(time.RFC3339, v.Created); err == nil {
		out.CreatedAt = v.Created
	}
	return out
}
