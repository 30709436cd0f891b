package esxsim

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Directories is what a [Store] can do besides if vmgroups have directories on it.
type Directories interface {
	// Vmgroups returns the uuids of the vmgroups that have a directory on a datastore, sorted.
	Vmgroups(ctx context.Context, datastore string) ([]string, error)
	// NameVmgroup makes the directories of a vmgroup on all datastores if they are not there, and gives them another name;
	// old is "" for a new vmgroup. If now is "", it removes the directories and what else is left of volumes that are gone,
	// for good; ErrNotEmpty if there is a volume.
	NameVmgroup(ctx context.Context, uuid, old, now string) error
}

// Renames is what a [Store] can do besides if it knows when the directories of a vmgroup got another name. Without it, that is
// when the config database says so.
type Renames interface {
	// Named returns how often they did.
	Named(uuid string) int
}

func volumeCommands() []AdminCommand {
	return []AdminCommand{
		{"volume ls", "List the volumes of all vmgroups", []Option{
			{"c", "COLUMN,...", false, "only these columns, in this order: " + strings.Join(volumeColumns(), ", ")},
			{"vmgroup", "PATTERN", false, "only of vmgroups whose name matches; * stands for anything"},
		}, "--vmgroup 'app*' -c volume,datastore,attached-to", (*Admin).listVolumes},
		{"volume shortls", "List the volumes of all vmgroups, with few columns", []Option{
			{"vmgroup", "PATTERN", false, "only of vmgroups whose name matches; * stands for anything"},
		}, "--vmgroup app", (*Admin).shortVolumes},
		{"volume set", "Change options of a volume", []Option{
			{"volume", "VOLUME@DATASTORE", true, "the volume"},
			{"vmgroup", "VMGROUP", true, "its vmgroup"},
			{"options", "KEY=VALUE,...", true, "access or attach-as, or both"},
		}, "--volume data@ds1 --vmgroup _DEFAULT --options access=read-only", (*Admin).setVolume},
	}
}

func volumeColumns() []string {
	return []string{
		"volume", "datastore", "vmgroup", "capacity", "used", "fstype", "policy", "disk-format",
		"attached-to", "access", "attach-as", "created-by", "created",
	}
}

const notKnown = "N/A"

// volumesOf returns the volumes of a vmgroup on all datastores, but for those that are never shown (docs/original.md §2.5).
func (a *Admin) volumesOf(ctx context.Context, uuid string) ([]Volume, error) {
	list, err := a.allVolumesOf(ctx, uuid)
	return slices.DeleteFunc(list, func(v Volume) bool { return hidden(v.Name) }), err
}

func (a *Admin) allVolumesOf(ctx context.Context, uuid string) (list []Volume, err error) {
	datastores, err := a.esx.store.Datastores(ctx)
	if err != nil {
		return nil, err
	}
	for _, ds := range datastores {
		names, err := a.esx.store.List(ctx, ds, uuid)
		if err != nil && !errors.Is(err, ErrNotExist) {
			return nil, err
		}
		for _, name := range names {
			list = append(list, Volume{Name: name, Vmgroup: uuid, Datastore: ds})
		}
	}
	return list, nil
}

// vmgroups returns the names of the vmgroups that have volumes or could have, by their uuids; those of vmgroups that were
// removed are "N/A".
func (a *Admin) vmgroups(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	datastores, err := a.esx.store.Datastores(ctx)
	if err != nil {
		return nil, err
	}
	if d, ok := a.esx.store.(Directories); ok {
		for _, ds := range datastores {
			uuids, err := d.Vmgroups(ctx, ds)
			if err != nil {
				return nil, err
			}
			for _, uuid := range uuids {
				names[uuid] = notKnown
			}
		}
	}
	switch err := a.configured(ctx); {
	case err == nil:
		all, err := a.db.Records(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			names[r.UUID] = r.Name
		}
	case errors.As(err, new(*Refusal)):
		names[DefaultVmgroupUUID] = DefaultVmgroup
	}
	return names, nil
}

func (a *Admin) shortVolumes(ctx context.Context, o options) (Result, error) {
	short := options{"c": "volume,capacity,disk-format,attached-to"}
	maps.Copy(short, o)
	return a.listVolumes(ctx, short)
}

func (a *Admin) listVolumes(ctx context.Context, o options) (Result, error) {
	t := Result{Columns: volumeColumns()}
	if _, given := o["c"]; given {
		if t.Columns = o.list("c"); t.Columns == nil {
			return t, refuse("No column is given: there are %s", strings.Join(volumeColumns(), ", "))
		}
	}
	for _, c := range t.Columns {
		if !slices.Contains(volumeColumns(), c) {
			return t, refuse("Invalid column %s: there are %s", c, strings.Join(volumeColumns(), ", "))
		}
	}
	groups, err := a.vmgroups(ctx)
	if err != nil {
		return t, err
	}
	pattern, picky := o["vmgroup"]
	for _, uuid := range slices.Sorted(maps.Keys(groups)) {
		name := groups[uuid]
		if picky && !glob(pattern, name) {
			continue
		}
		volumes, err := a.volumesOf(ctx, uuid)
		if err != nil {
			return t, err
		}
		for _, v := range volumes {
			if ctx.Err() != nil {
				return t, context.Cause(ctx)
			}
			cells := a.describeVolume(ctx, v, name)
			row := make([]string, 0, len(t.Columns))
			for _, c := range t.Columns {
				row = append(row, cells[c])
			}
			t.Rows = append(t.Rows, row)
		}
	}
	slices.SortFunc(t.Rows, slices.Compare)
	return t, nil
}

// glob reports whether a name matches a pattern in which * stands for anything. Only the last star needs to try again, so
// the time is at most that of the lengths multiplied.
func glob(pattern, name string) bool {
	star, again := -1, 0 // the last star, and where in name it would end next
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, again = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p, n = p+1, n+1
		case star >= 0:
			again++
			p, n = star+1, again
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// describeVolume returns what is known of a volume, by column.
func (a *Admin) describeVolume(ctx context.Context, v Volume, vmgroup string) map[string]string {
	cells := map[string]string{}
	for _, c := range volumeColumns() {
		cells[c] = notKnown
	}
	cells["volume"], cells["datastore"], cells["vmgroup"] = v.Name, v.Datastore, vmgroup
	if d, err := a.esx.store.StatDisk(ctx, v); err == nil {
		cells["capacity"], cells["used"], cells["disk-format"] = humanSize(d.Size), humanSize(d.Allocated), string(d.Format)
	}
	meta, err := a.readMeta(ctx, v)
	if err != nil {
		return cells
	}
	cells["created-by"], cells["created"], cells["attached-to"] = meta.CreatedBy, meta.Created, meta.Status
	if meta.AttachedUUID != "" {
		a.esx.mu.lock()
		cells["attached-to"] = a.esx.ownerName(&meta)
		a.esx.mu.unlock()
	}
	for column, option := range map[string]string{
		"fstype": optFSType, "policy": optPolicy, "disk-format": optDiskFormat, "access": optAccess, "attach-as": optAttachAs,
	} {
		byDefault := map[string]string{"access": defaultAccess, "attach-as": defaultAttachAs}[column]
		if value := cmp.Or(meta.VolOpts[option], byDefault); value != "" {
			cells[column] = value
		}
	}
	return cells
}

func (a *Admin) readMeta(ctx context.Context, v Volume) (Meta, error) {
	text, err := a.esx.store.ReadMeta(ctx, v)
	if err != nil {
		return Meta{}, err
	}
	return DecodeMeta(text)
}

// setVolume reads, changes and writes the metadata, in the original without the volume's lock (docs/original.md §2.14, D12).
// The lock is named after the volume's datastore: whoever is at home elsewhere is not excluded while quirk
// home-datastore-lock is on.
func (a *Admin) setVolume(ctx context.Context, o options) (Result, error) {
	name, ds, full := cutLast(o["volume"])
	failed := "Failed to update " + o["options"] + " for " + o["volume"] + "."
	if !full {
		return Result{}, refuse("%s It has to be given as VOLUME@DATASTORE.", failed)
	}
	groups, err := a.vmgroups(ctx)
	if err != nil {
		return Result{}, err
	}
	ds, err = a.datastore(ctx, ds)
	if err != nil {
		return Result{}, err
	}
	v := Volume{Datastore: ds, Name: name}
	for _, uuid := range slices.Sorted(maps.Keys(groups)) {
		if group := groups[uuid]; group == o["vmgroup"] && group != notKnown {
			v.Vmgroup = uuid
		}
	}
	switch {
	case v.Vmgroup == "":
		return Result{}, refuse("Vmgroup %s does not exist", o["vmgroup"])
	case checkName(name, ds) != "":
		return Result{}, refuse("%s Its name is none: %s", failed, checkName(name, ds))
	}
	if !a.esx.quirk.has(setUnlocked) {
		lock, err := a.esx.locks.acquire(ctx, lockName(v.Datastore, o["vmgroup"], v.Name))
		if err != nil {
			return Result{}, refuse("%s %v", failed, err)
		}
		defer lock.release()
	}
	meta, err := a.readMeta(ctx, v)
	if err != nil {
		return Result{}, refuse("%s Its metadata cannot be read: %v", failed, err)
	}
	opts := map[string]string{}
	maps.Copy(opts, meta.VolOpts)
	for _, word := range o.list("options") {
		key, value, _ := strings.Cut(word, "=")
		if key != optAccess && key != optAttachAs {
			return Result{}, refuse("%s Only access and attach-as can be changed.", failed)
		}
		if fault := checkOptions(map[string]string{key: value}, nil); fault != "" {
			return Result{}, refuse("%s %s", failed, fault)
		}
		opts[key] = value
	}
	meta.VolOpts = opts
	a.esx.stage.Before("esx.admin.set", v.Name)
	a.esx.env.Touch("meta:"+v.Datastore+"/"+v.Name, true)
	if err := a.esx.store.WriteMeta(ctx, v, EncodeMeta(meta)); err != nil {
		return Result{}, err
	}
	return Result{Text: "settings of " + o["volume"] + " are changed"}, nil
}

// empty removes all volumes of a vmgroup, those that are never shown included, and its directories. While one is attached,
// it does nothing; one that cannot be removed keeps the directories, and the command can be repeated.
func (a *Admin) empty(ctx context.Context, r Record) error {
	for try := 0; ; try++ {
		volumes, err := a.allVolumesOf(ctx, r.UUID)
		if err != nil {
			return err
		}
		if err := a.removeVolumes(ctx, volumes); err != nil {
			return err
		}
		err = a.name(ctx, r.UUID, r.Name, "")
		if !errors.Is(err, ErrNotEmpty) || try == emptyTries {
			return err
		}
	}
}

// emptyTries is how many times the VMs of a vmgroup may make a volume while it is emptied.
const emptyTries = 10

// removeVolumes removes volumes, unless one of them is attached, and goes on after a failure.
func (a *Admin) removeVolumes(ctx context.Context, volumes []Volume) error {
	for _, v := range volumes {
		if meta, err := a.readMeta(ctx, v); err == nil && meta.Status == statusAttached {
			return refuse("Failed to remove volume %s, in use by VM = %s.", v.Name, cmp.Or(meta.AttachedName, "None"))
		}
	}
	var failed []string
	for _, v := range volumes {
		err := a.esx.store.DeleteDisk(ctx, v)
		if err == nil || errors.Is(err, ErrNotExist) {
			err = a.esx.store.DeleteMeta(ctx, v)
		}
		if err == nil || errors.Is(err, ErrNotExist) {
			err = a.db.Discharge(ctx, v)
		}
		if err != nil {
			failed = append(failed, "Failed to remove volume "+v.Name+": "+err.Error())
		}
	}
	if failed != nil {
		return &Refusal{strings.Join(failed, "; ")}
	}
	return nil
}
