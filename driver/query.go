package driver

import (
	"context"
	"maps"
	"time"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// Volume is what Docker is told of a volume.
type Volume struct {
	Name       string         // as it was asked for; in a list, the full name
	Mountpoint string         // "" if it is not mounted here
	Created    string         // RFC 3339, "" if unknown
	Status     map[string]any // for docker volume inspect
}

// Get describes a volume. NotFound and BadName are definite; every other error means that nothing certain could be
// learnt in time, and must not reach Docker as an answer: it would forget the volume. Of a volume that is mounted here, what is known is
// answered even if ESX is silent. Get waits for no volume's lock.
func (d *Driver) Get(ctx context.Context, given string) (Volume, error) {
	n, err := parseName(given)
	if err != nil {
		return Volume{}, fail("get", given, err)
	}
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	v, err := d.backend.Get(ctx, given)
	kind := vmdkops.KindOf(err)
	switch {
	case err == nil:
	case kind == vmdkops.Unreadable:
		v = wire.Volume{Status: "unknown: the service cannot read the volume's metadata"}
	case kind == vmdkops.NotFound || kind == vmdkops.BadName:
		return Volume{}, fail("get", given, err)
	default:
		at := d.volumes.mountpoint(n)
		if at == "" {
			return Volume{}, fail("get", given, err)
		}
		d.log.Warn("answered from what is known: ESX did not say", "volume", given, "error", err)
		return Volume{Name: given, Mountpoint: at, Status: d.describe(wire.Volume{Status: "unknown: " + err.Error()})}, nil
	}
	at := d.volumes.mountpointOn(n, v.Datastore) // perhaps it is mounted under another of its names
	return Volume{Name: given, Mountpoint: at, Created: created(v), Status: d.describe(v)}, nil
}

// List returns all volumes that ESX lists for this VM, by full name.
func (d *Driver) List(ctx context.Context) ([]Volume, error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	names, err := d.backend.List(ctx)
	if err != nil {
		return nil, fail("list", "", err)
	}
	vs := make([]Volume, 0, len(names))
	for _, full := range names {
		n, err := parseName(full)
		if err != nil {
			continue // a file that somebody else put there; it cannot be a volume
		}
		vs = append(vs, Volume{Name: full, Mountpoint: d.volumes.mountpoint(n)})
	}
	return vs, nil
}

// Path returns where a volume is mounted here, "" if it is not. It waits for nothing, so that no context ends it.
func (d *Driver) Path(_ context.Context, given string) (string, error) {
	n, err := parseName(given)
	if err != nil {
		return "", fail("path", given, err)
	}
	return d.volumes.mountpoint(n), nil
}

// describe is the status that docker volume inspect shows: the service's own fields, without the empty ones.
func (d *Driver) describe(v wire.Volume) map[string]any {
	fields := [...]struct{ key, value string }{
		{"created by VM", v.CreatedBy},
		{"created", v.Created},
		{"status", v.Status},
		{"datastore", v.Datastore},
		{"attached to VM", v.AttachedTo},
		{"fstype", v.FSType},
		{"vsan-policy-name", v.Policy},
		{"diskformat", v.DiskFormat},
		{"attach-as", v.AttachAs},
		{"access", v.Access},
		{"clone-from", v.CloneFrom},
	}
	s := make(map[string]any, len(d.status)+len(fields)+2)
	maps.Copy(s, d.status)
	for i := range fields {
		if fields[i].value != "" {
			s[fields[i].key] = fields[i].value
		}
	}
	if v.Capacity != (wire.Capacity{}) {
		s["capacity"] = map[string]any{"size": v.Capacity.Size, "allocated": v.Capacity.Allocated}
	}
	if v.Device != nil {
		s["attachedVMDevice"] = map[string]any{
			"Unit": v.Device.Unit, "ControllerPciSlotNumber": v.Device.ControllerPciSlotNumber,
			"ControllerPciBusNumber": v.Device.ControllerPciBusNumber,
		}
	}
	return s
}

// created turns the service's UTC text, such as "Tue Dec 20 19:35:28 2016", into RFC 3339.
func created(v wire.Volume) string {
	t, err := time.Parse(time.ANSIC, v.Created)
	if err != nil {
		return ""
	}
	return t.Format(time.RFC3339)
}
