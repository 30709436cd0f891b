package esxsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Admin does what the administrator of an ESX host does (docs/original.md §6.2). It takes no lock of the service, as the
// original, which was another process. It is safe for concurrent use; two changes of one vmgroup at once may lose one.
type Admin struct {
	esx     *Service
	db      ConfigDB
	newUUID func() string
	program Program
}

// Program is what "status" says of the program in which the service runs. What is "" or 0 is not known.
type Program struct {
	Pid           int
	Port          string // where it listens
	LogConfigFile string
	LogFile       string
	LogLevel      string
}

// Command is one command, such as "vmgroup create", with its options as text.
type Command struct {
	Name    string            `json:"name"`
	Options map[string]string `json:"options,omitempty"`
}

// Result is the answer: a text, or a table with the keys of its columns.
type Result struct {
	Text    string     `json:"text,omitempty"`
	Columns []string   `json:"columns,omitempty"`
	Rows    [][]string `json:"rows,omitempty"`
}

// ErrUsage is in the error of [Admin.Do] if the command is no command of this package, or its options are wrong.
var ErrUsage = errors.New("wrong usage")

// Refusal is the error of a command that was understood and refused. Its texts are those of docs/original.md §2.12 and
// §6.2, where these have one.
type Refusal struct{ Text string }

func (e *Refusal) Error() string { return e.Text }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// NewAdmin makes an administrator of a service whose [Config.Groups] is db; nil if there is none. NewUUID makes the uuid of
// a new vmgroup.
func NewAdmin(esx *Service, db ConfigDB, newUUID func() string) *Admin {
	return &Admin{esx: esx, db: db, newUUID: newUUID}
}

// In says in which program the service runs, and returns a.
func (a *Admin) In(p Program) *Admin {
	a.program = p
	return a
}

// Option describes an option of a command.
type Option struct {
	Name     string
	Takes    string // what its value is; "" if it is a switch, whose value is "true"
	Required bool
	Help     string
}

// AdminCommand describes a command.
type AdminCommand struct {
	Name    string
	Short   string
	Options []Option
	Example string // the options of a call
	run     func(a *Admin, ctx context.Context, o options) (Result, error)
}

// options are those of a command that have been checked against its description.
type options map[string]string

func (o options) on(name string) bool { return o[name] == "true" }

// list splits a value at its commas.
func (o options) list(name string) []string {
	var words []string
	for w := range strings.SplitSeq(o[name], ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// AdminCommands returns all commands, sorted by name.
func AdminCommands() []AdminCommand {
	all := slices.Concat(vmgroupCommands(), accessCommands(), volumeCommands(), policyCommands(), configCommands())
	slices.SortFunc(all, func(a, b AdminCommand) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Do executes a command. Its error is a [Refusal], a [DBError], one with [ErrUsage], or one of the storage.
func (a *Admin) Do(ctx context.Context, c Command) (Result, error) {
	all := AdminCommands()
	i := slices.IndexFunc(all, func(d AdminCommand) bool { return d.Name == c.Name })
	if i < 0 {
		return Result{}, fmt.Errorf("%w: there is no command %q", ErrUsage, c.Name)
	}
	if err := all[i].check(c.Options); err != nil {
		return Result{}, fmt.Errorf("%w: %s: %w", ErrUsage, c.Name, err)
	}
	return all[i].run(a, ctx, c.Options)
}

func (d AdminCommand) check(given map[string]string) error {
	var names []string
	for _, o := range d.Options {
		names = append(names, o.Name)
		value, set := given[o.Name]
		switch {
		case o.Required && value == "":
			return fmt.Errorf("option %s is missing", o.Name)
		case set && o.Takes == "" && value != "true" && value != "false":
			return fmt.Errorf("option %s is a switch, and takes no %q", o.Name, value)
		}
	}
	var wrong []string
	for name := range given {
		if !slices.Contains(names, name) {
			wrong = append(wrong, name)
		}
	}
	if slices.Sort(wrong); wrong != nil {
		return fmt.Errorf("there is no option %s", strings.Join(wrong, ", "))
	}
	return nil
}

// initNeeded is what commands say that need a config database.
const initNeeded = "Configuration not found. Please init configuration with 'vmdksim admin config init'."

// configured fails unless there is a config database.
func (a *Admin) configured(ctx context.Context) error {
	if a.db == nil {
		return &Refusal{initNeeded}
	}
	ok, err := a.db.Configured(ctx)
	if err == nil && !ok {
		err = &Refusal{initNeeded}
	}
	return err
}

// record returns the vmgroup of that name.
func (a *Admin) record(ctx context.Context, name string) (Record, error) {
	if err := a.configured(ctx); err != nil {
		return Record{}, err
	}
	all, err := a.db.Records(ctx)
	if err != nil {
		return Record{}, err
	}
	for _, r := range all {
		if r.Name == name {
			return r, nil
		}
	}
	return Record{}, refuse("Vmgroup %s does not exist", name)
}

// changed writes a vmgroup back.
func (a *Admin) changed(ctx context.Context, r Record, text string) (Result, error) {
	if err := a.db.Put(ctx, r); err != nil {
		return Result{}, err
	}
	return Result{Text: text}, nil
}

// datastore returns the real spelling of a datastore, or one of the special names.
func (a *Admin) datastore(ctx context.Context, name string) (string, error) {
	if name == HomeDatastore || name == AllDatastores {
		return name, nil
	}
	known, err := a.esx.store.Datastores(ctx)
	if err != nil {
		return "", err
	}
	for _, ds := range known {
		if strings.EqualFold(ds, name) {
			return ds, nil
		}
	}
	return "", refuse("Datastore %s does not exist", name)
}
