package scenarios

import (
	"context"
	"fmt"
	"strings"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/model"
	"vmdkvol/vmcisim"
)

// The fixed names of a world.
const (
	vmName    = "vm1"
	datastore = "ds1"
	mountRoot = "/mnt/vmdk"

	defaultFstype = "ext4" // of Create, docs/original.md §3.3
)

// theatre is what all runs of one script share: memories of pure functions, nothing that a run can change.
type theatre struct {
	script *Script
	memo   *esxsim.Memo
	quirks esxsim.Quirks
	metas  [][]byte // of script.Volumes
	sizes  []int64

	start   model.Start
	checker model.Checker
	history []model.Call // scratch of judge.explain
}

func newTheatre(s *Script) (*theatre, error) {
	t := &theatre{script: s, memo: new(esxsim.Memo), quirks: esxsim.Quirks{}, start: model.Start{}}
	for name, on := range s.Quirks {
		t.quirks[esxsim.Quirk(name)] = on
	}
	for _, v := range s.Volumes {
		opts := map[string]string{"size": "100mb", "fstype": defaultFstype, "diskformat": "thin"}
		for k, val := range v.Opts {
			opts[k] = val
		}
		size, err := sizeOf(opts["size"])
		if err != nil {
			return nil, fmt.Errorf("%s: volume %s: %w", s.File, v.Name, err)
		}
		t.sizes = append(t.sizes, size)
		t.start[volumePart(v.Name)] = model.Only(model.Existing(opts["fstype"]))
		t.metas = append(t.metas, esxsim.EncodeMeta(esxsim.Meta{
			Status: "detached", VolOpts: opts, Created: "Tue Dec 20 19:35:28 2016", CreatedBy: vmName,
		}))
	}
	return t, nil
}

// World is everything that a run needs: a guest with the driver in it, a network, and an ESX host.
type World struct {
	t *theatre
	k *explore.Kernel

	plugin, esx *explore.World
	store       *esxsim.MemStore
	service     *esxsim.Service
	net         *vmcisim.Network
	guest       *guestsim.Guest
	driver      *driver.Driver

	judge judge
}

// bus lets a disk that ESX plugs into the VM appear in its guest.
type bus struct{ w *World }

func (b bus) Plug(_ context.Context, _ string, at wire.Device, d esxsim.Disk) error {
	return b.w.guest.Plug(at, d.ID, d.Size)
}

func (b bus) Unplug(_ context.Context, _ string, at wire.Device, _ esxsim.Disk) error {
	return b.w.guest.Unplug(at)
}

// build makes a world in its first state.
func (t *theatre) build(k *explore.Kernel) (*World, error) {
	w := &World{t: t, k: k, plugin: k.World("plugin"), esx: k.World("esx")}
	w.judge.w = w
	w.store = esxsim.NewMemStore(w.esx, true, datastore)
	media := guestsim.NewMedia(nil)
	w.guest = guestsim.New(guestsim.Config{Env: w.plugin, Stage: k, Media: media, Violation: k.Fail})
	var err error
	w.service, err = esxsim.New(esxsim.Config{
		Env: w.esx, Stage: k, Store: w.store, Bus: bus{w}, Serial: true, Quirks: t.quirks, Memo: t.memo,
	})
	if err != nil {
		return nil, err
	}
	if err := w.service.AddVM(esxsim.VM{ID: vmName, Home: datastore}); err != nil {
		return nil, err
	}
	w.net = vmcisim.New(vmcisim.Config{
		Env: w.esx, Stage: k, Handler: w.service.Handle, Shared: t.script.Shared, Cooperative: true,
	})
	client, err := vmdkops.New(vmdkops.Config{Transport: w.net.Endpoint(vmName, w.plugin), Env: w.plugin})
	if err != nil {
		return nil, err
	}
	w.driver, err = driver.New(driver.Config{Backend: client, Guest: w.guest, Env: w.plugin, MountRoot: mountRoot})
	if err != nil {
		return nil, err
	}
	for i, v := range t.script.Volumes {
		if err := w.provide(v, t.sizes[i], t.metas[i], media); err != nil {
			return nil, err
		}
	}
	for _, c := range t.script.Clients {
		k.Client(c.Name, w.plugin, func() { w.perform(c) })
	}
	k.AtStep(w.judge.step)
	k.AtEnd(w.judge.end)
	return w, nil
}

// provide puts a formatted volume on the datastore.
func (w *World) provide(v Given, size int64, meta []byte, media *guestsim.Media) error {
	ctx := context.Background()
	at := esxsim.Volume{Datastore: datastore, Vmgroup: esxsim.DefaultVmgroupUUID, Name: volumePart(v.Name)}
	disk, err := w.store.CreateDisk(ctx, at, size, "thin")
	if err != nil {
		return err
	}
	media.Format(disk.ID, fstypeOf(v.Opts), at.Name)
	return w.store.WriteMeta(ctx, at, meta)
}

// volumePart is the name of a volume without its datastore; the world has but one.
func volumePart(name string) string {
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		return name[:i]
	}
	return name
}

func sizeOf(text string) (int64, error) {
	var n int64
	var unit string
	if _, err := fmt.Sscanf(strings.ToLower(text), "%d%s", &n, &unit); err != nil {
		return 0, fmt.Errorf("size %q: %w", text, err)
	}
	shift, ok := map[string]int{"mb": 20, "gb": 30, "tb": 40}[unit]
	if !ok || n <= 0 {
		return 0, fmt.Errorf("size %q: want a number of mb, gb or tb", text)
	}
	return n << shift, nil
}
