package scenarios

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/model"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

// The fixed names of a world.
const (
	vmName    = "vm1"
	esxName   = "esx"
	datastore = "ds1"
	mountRoot = "/mnt/vmdk"

	defaultFstype = "ext4" // of Create, docs/original.md §3.3
)

// theatre is what all runs of one script share: memories of pure functions, nothing that a run can change.
type theatre struct {
	script        *Script
	memo          *esxsim.Memo
	quirks        esxsim.Quirks
	metas         [][]byte // of script.Volumes
	sizes         []int64
	faults        *vmcisim.Faults // nil: the usual ones
	requestFaults []string        // of Docker's requests
	roles         []role
	opening       *role // nil if there is none
	lives         bool  // something in the script crashes or loses its power
	esx           bool  // ... and that includes ESX
	audited       bool  // the explorer wants to see the state
	threads       bool  // for the race detector: the simulators take their short locks

	stores  []string
	foreign map[string]bool // volumes of which the driver's model cannot know, by volume part; nil if none
	volumes []volume        // that the script speaks of
	lines   int

	start     model.Start
	opinions  *opinions
	histories [][]model.Call // scratch of judge.explain, by host, like counts
	counts    [][]uint64

	log       *slog.Logger
	pool      vmcisim.Pool
	media     *guestsim.Media // of all runs that are not on threads
	stock     stock
	codec     codec
	world     World  // of the last run; its memory serves the next
	step, end func() // of the world's judge: a method value made at every run would cost memory
	state     func(see func(object string, value explore.Hash))
	begin     func() // the opening, and then the others
	made      made   // that the judge asked for last
	calls     []Call // room for the calls of a run
	called    []*Call
	holders   []holder
	subjects  []subject
	mishaps   []mishap
	disks     []esxsim.Disk // scratch of endOn
}

func newTheatre(s *Script, o *opinions) (*theatre, error) {
	t := &theatre{
		script: s, memo: new(esxsim.Memo), quirks: esxsim.Quirks{}, start: model.Start{}, opinions: o,
		histories: make([][]model.Call, 1+len(s.VMs)), counts: make([][]uint64, 1+len(s.VMs)),
		log:    slog.New(slog.DiscardHandler),
		stores: append([]string{datastore}, s.Stores...),
	}
	t.media = guestsim.NewMedia(nil)
	ops := len(s.Opening)
	for _, c := range s.Clients {
		ops += len(c.Ops)
	}
	t.calls = make([]Call, ops)
	t.step, t.end, t.begin, t.state = t.world.judge.step, t.world.judge.end, t.world.begin, t.world.state
	for name, on := range s.Quirks {
		t.quirks[esxsim.Quirk(name)] = on
	}
	t.lives, t.esx = s.mayEnd() || len(s.Crashes) > 0, s.mayEnd() || s.crashes(crashESX)
	t.requestFaults = s.dockerFaults()
	if len(s.Rare) > 0 {
		var err error
		if t.faults, err = vmcisim.ParseFaults(s.Rare...); err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
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
		t.volume(volumePart(v.Name))
		t.start[volumePart(v.Name)] = model.Only(model.Existing(opts["fstype"]))
		t.metas = append(t.metas, esxsim.EncodeMeta(esxsim.Meta{
			Status: "detached", VolOpts: opts, Created: "Tue Dec 20 19:35:28 2016", CreatedBy: vmName,
		}))
	}
	if len(s.Opening) > 0 {
		r, err := t.cast(Client{Name: "before", Ops: s.Opening})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		t.opening = &r
	}
	for _, c := range s.Clients {
		r, err := t.cast(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		t.roles = append(t.roles, r)
	}
	for i := range t.roles {
		r := &t.roles[i]
		r.play = func() { t.world.perform(r) }
	}
	t.subjects = make([]subject, len(t.volumes))
	for i := range t.volumes {
		v := &t.volumes[i]
		v.start = beginningOf(t.start, v.name)
	}
	return t, nil
}

// World is everything that a run needs: guests with the driver in them, a network, and ESX hosts.
type World struct {
	t *theatre
	k *explore.Kernel

	docker *explore.World // the clients; the plugin's own unless that can crash
	esxs   []*esxHost
	props  props // for what is not in a guest
	store  *esxsim.MemStore
	config *esxsim.MemConfig // nil: no vmgroups
	media  *guestsim.Media
	hosts  []*host
	lives  seam.Monitor // see sync; nil unless something ends and the race detector looks
	motion seam.Monitor // held by whoever moves a VM or ends an ESX host; made by the first
	plug   string       // name of the volume that was plugged in last
	left   int          // clients that have done all they do

	judge judge
	room  struct { // the first backing of slices, of vm1 and of esx
		host  host
		hosts [1]*host
		esx   esxHost
		esxs  [1]*esxHost
	}
}

// host returns the VM of that name, which must exist.
func (w *World) host(vm string) *host {
	for _, h := range w.hosts {
		if h.name == vm {
			return h
		}
	}
	panic("scenarios: no VM " + vm)
}

// build makes a world in its first state.
func (t *theatre) build(k *explore.Kernel) (*World, error) {
	w := &t.world
	*w = World{t: t, k: k}
	if t.threads {
		t.stock = stock{}
	}
	t.stock.on(k)
	w.judge = judge{
		w: w, room: t.calls, calls: t.called[:0], holders: t.holders[:0], subjects: t.subjects, mishaps: t.mishaps[:0],
	}
	for i := range t.subjects {
		s := &t.subjects[i]
		*s = subject{name: t.volumes[i].name, bytes: bytes{texts: s.bytes.texts[:0]}}
	}
	w.props = props{k, w, nil}
	w.hosts = append(w.room.hosts[:0], &w.room.host)
	for range t.script.VMs {
		w.hosts = append(w.hosts, &host{})
	}
	w.esxs = append(w.room.esxs[:0], &w.room.esx)
	for range t.script.ESX {
		w.esxs = append(w.esxs, &esxHost{})
	}
	for i, e := range w.esxs {
		if err := w.erect(e, i); err != nil {
			return nil, err
		}
	}
	for i, h := range w.hosts {
		if err := w.furnish(h, i); err != nil {
			return nil, err
		}
	}
	if w.docker = w.hosts[0].plugin; t.lives {
		w.docker = k.World("docker")
		if t.threads {
			w.docker.Quiet("lives")
			w.lives = w.docker.NewMonitor("lives")
		}
	}
	if t.script.Recovery > 0 {
		w.install()
	}
	for i, v := range t.script.Volumes {
		if err := w.provide(v, t.sizes[i], t.metas[i]); err != nil {
			return nil, err
		}
	}
	if t.opening == nil {
		w.admit()
	} else {
		k.Client(t.opening.client, w.docker, t.begin)
	}
	if t.audited {
		k.State(t.state)
	}
	if t.threads {
		k.AtStep(t.step)
	} else {
		k.AtStepIf(&w.judge.stale, t.step)
	}
	k.AtEnd(t.end)
	return w, nil
}

func (w *World) begin() {
	w.k.Safely(func() { w.perform(w.t.opening) })
	w.admit()
}

// sync orders what one client does to lives behind what others have seen of them, as a process starts after the one before
// it. Only the race detector needs to be told; where nothing ends it is told nothing, so as not to hide a race of the driver.
func (w *World) sync() {
	if w.lives != nil {
		_ = w.lives.Lock(context.Background()) // cannot fail: the context never ends
		w.lives.Unlock()
	}
}

// admit lets the clients begin.
func (w *World) admit() {
	for i := range w.t.roles {
		w.k.Client(w.t.roles[i].client, w.docker, w.t.roles[i].play)
	}
}

// provide puts a formatted volume on the datastore.
func (w *World) provide(v Given, size int64, meta []byte) error {
	ctx := context.Background()
	at := esxsim.Volume{Datastore: datastore, Vmgroup: esxsim.DefaultVmgroupUUID, Name: volumePart(v.Name)}
	disk, err := w.store.CreateDisk(ctx, at, size, "thin")
	if err != nil {
		return err
	}
	w.media.Format(disk.ID, fstypeOf(v.Opts), at.Name)
	w.judge.provided(w.t.index(v.Name), v.Opts, size, disk.ID)
	return w.store.WriteMeta(ctx, at, meta)
}

// volume is one of a script, by its names.
type volume struct {
	name       string // volume part
	full       string // with its datastore
	mountpoint string
	disk       string    // what ESX calls its disk in footprints
	start      beginning // its part of the theatre's start
	listed     bool      // ESX lists it
}

// volume returns the index of a volume, which is new if it was not known.
func (t *theatre) volume(name string) int {
	i := t.index(name)
	if i < 0 {
		i = len(t.volumes)
		v := newVolume(name)
		v.disk, v.listed = "disk:"+datastore+"/"+name, isListed(name)
		t.volumes = append(t.volumes, v)
		t.memo.Know(v.name)
	}
	return i
}

func newVolume(name string) volume {
	full := name + "@" + datastore
	return volume{name: name, full: full, mountpoint: mountRoot + "/" + full}
}

// names returns the names of a volume, also of one that the script does not speak of.
func (t *theatre) names(name string) volume {
	for i := range t.volumes {
		if t.volumes[i].name == name {
			return t.volumes[i]
		}
	}
	return newVolume(name)
}

// index returns the index of the volume that any of its names means, everyone if there is none.
//
//go:norace
func (t *theatre) index(name string) int {
	name = volumePart(name)
	for i := range t.volumes {
		if t.volumes[i].name == name {
			return i
		}
	}
	return everyone
}

// about returns the index of the volume that the name of a driver's task ends with.
//
//go:norace
func (t *theatre) about(task string) int { return t.index(task[strings.LastIndexByte(task, ' ')+1:]) }

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
		return 0, fmt.Errorf("size %s: want a number of mb, gb or tb", shown(text))
	}
	shift, ok := map[string]int{"mb": 20, "gb": 30, "tb": 40}[unit]
	if !ok || n <= 0 || n > 1<<20 {
		return 0, fmt.Errorf("size %s: want a number of mb, gb or tb", shown(text))
	}
	return n << shift, nil
}
