package esxsim

import (
	"cmp"
	"context"
	"strconv"
	"strings"
)

// Configurable is what a [ConfigDB] can do besides if it can be made and removed.
type Configurable interface {
	// Where describes the database: its mode, the path where this host looks for it, and the path of a shared one, if the
	// former leads there.
	Where() (mode Mode, local, shared string)
	// Init makes the database: on a datastore for all hosts, or for this host if datastore is "". One that is on the
	// datastore already is used. Force says that another datastore may have one; a host that is configured refuses.
	Init(ctx context.Context, datastore string, force bool) error
	// Remove moves the database of this host away, or if it is shared, removes the link to it. It returns the path of the
	// backup, if there is one.
	Remove(ctx context.Context, backup bool) (path string, err error)
}

func configCommands() []AdminCommand {
	return []AdminCommand{
		{"config init", "Make the config database, which vmgroups need", []Option{
			{"datastore", "DATASTORE", false, "on this datastore, for all hosts that see it"},
			{"local", "", false, "for this host alone"},
			{"force", "", false, "although another datastore has one"},
		}, "--local", (*Admin).initConfig},
		{"config mv", "Move the config database (not supported)", []Option{
			{"to", "DATASTORE", true, "where to"}, {"force", "", false, "ignored"},
		}, "--to ds2", (*Admin).moveConfig},
		{"config rm", "Forget the config database", []Option{
			{"local", "", false, "the one of this host; it is moved to a backup"},
			{"unlink", "", false, "the shared one, which stays where it is"},
			{"no-backup", "", false, "delete instead of moving it"},
			{"confirm", "", false, "yes, do it; without it, nothing is done"},
		}, "--local --confirm", (*Admin).removeConfig},
		{"config status", "Say where the config database is", nil, "", (*Admin).statusConfig},
		{"status", "Say what serves here", []Option{{"fast", "", false, "without version and port"}}, "--fast", (*Admin).status},
	}
}

// files returns what makes and removes the database.
func (a *Admin) files() (Configurable, error) {
	if f, ok := a.db.(Configurable); ok {
		return f, nil
	}
	return nil, refuse("This host has no place for a config database; give serve a --config")
}

func (a *Admin) initConfig(ctx context.Context, o options) (Result, error) {
	f, err := a.files()
	if err != nil {
		return Result{}, err
	}
	ds := o["datastore"]
	switch {
	case ds != "" && o.on("local"):
		return Result{}, refuse("Error: only one of '--datastore' or '--local' can be set")
	case ds == "" && !o.on("local"):
		return Result{}, refuse("Error: one of '--datastore' or '--local' have to be set")
	}
	if ds != "" {
		known, err := a.esx.store.Datastores(ctx)
		if err != nil {
			return Result{}, err
		}
		real := ""
		for _, k := range known {
			if strings.EqualFold(k, ds) {
				real = k
			}
		}
		if real == "" {
			return Result{}, refuse("No such datastore: %s", ds)
		}
		ds = real
	}
	if err := f.Init(ctx, ds, o.on("force")); err != nil {
		return Result{}, err
	}
	a.configChanged()
	return Result{Text: "the config database is ready"}, nil
}

func (a *Admin) removeConfig(ctx context.Context, o options) (Result, error) {
	f, err := a.files()
	if err != nil {
		return Result{}, err
	}
	mode, _, shared := f.Where()
	link := mode == MultiNode || mode == BrokenLink && shared != "" // else a file of this host, be it no database
	switch {
	case !o.on("confirm"):
		return Result{}, refuse("Warning: this removes the configuration of all vmgroups; say --confirm")
	case o.on("local") == o.on("unlink"):
		return Result{}, refuse("Error: one of '--local' or '--unlink' have to be set")
	case mode == NotConfigured:
		return Result{Text: "there is nothing to remove"}, nil
	case !link && o.on("unlink"):
		return Result{}, refuse("Error: the configuration is of this host; use --local")
	case link && o.on("local"):
		return Result{}, refuse("Error: the configuration is shared; use --unlink")
	}
	path, err := f.Remove(ctx, !o.on("no-backup"))
	if err != nil {
		return Result{}, err
	}
	a.configChanged()
	text := "the config database is removed"
	if path != "" {
		text += "; a backup is " + path
	}
	return Result{Text: text}, nil
}

// configChanged restarts the service, as it once was after each change (docs/original.md B17).
func (a *Admin) configChanged() {
	if a.esx.quirk.has(configRestarts) {
		a.esx.die()
	}
}

func (a *Admin) moveConfig(context.Context, options) (Result, error) {
	return Result{}, refuse("Sorry, configuration move ('config mv' command) is not supported yet")
}

// lines is a table of names and values.
func lines(words ...string) Result {
	t := Result{Columns: []string{"name", "value"}}
	for i := 0; i+1 < len(words); i += 2 {
		t.Rows = append(t.Rows, words[i:i+2])
	}
	return t
}

func (a *Admin) where() []string {
	mode, local, shared := NotConfigured, notKnown, notKnown
	if f, ok := a.db.(Configurable); ok {
		var at string
		if mode, local, at = f.Where(); at != "" {
			shared = at
		}
	}
	return []string{"DB_Mode", string(mode), "DB_LocalPath", local, "DB_SharedLocation", shared}
}

func (a *Admin) statusConfig(context.Context, options) (Result, error) {
	return lines(a.where()...), nil
}

func (a *Admin) status(_ context.Context, o options) (Result, error) {
	p := a.program
	known := func(text string) string { return cmp.Or(text, notKnown) }
	pid := ""
	if p.Pid != 0 {
		pid = strconv.Itoa(p.Pid)
	}
	var words []string
	if !o.on("fast") {
		words = append(words, "Version", a.esx.cfg.Version)
	}
	words = append(words, "Status", "Running", "Pid", known(pid))
	if !o.on("fast") {
		words = append(words, "Port", known(p.Port))
	}
	words = append(words, "LogConfigFile", known(p.LogConfigFile), "LogFile", known(p.LogFile), "LogLevel", known(p.LogLevel))
	return lines(append(words, a.where()...)...), nil
}
