package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vmdkvol/esxsim/host"
	"vmdkvol/esxsim/host/configdb"
)

// serving are the flags of serve as given.
type serving struct {
	datastores       []string
	vms              []string
	homes            []string
	dir              string
	defaultDatastore string
	noLoop           bool
	vsan             []string
	control          string
	configDB         string
	quirks           string
	logLevel         string
}

func newServe() *cobra.Command {
	var o serving
	cmd := &cobra.Command{
		Use:   "serve --datastore [NAME=]DIR --vm NAME=SOCKET",
		Short: "Be a simulated ESX host for real Docker machines",
		Long: "serve answers each VM on a unix socket of its own, keeps volumes as VMDK files in the directories of its\n" +
			"datastores, and plugs attached disks in as loop devices (root). The devices of a VM are linked below DIR/NAME of\n" +
			"--dir; it prints what that VM's vmdkd needs to know, then \"vmdksim serve: ready\".\n\n" +
			"It runs until SIGTERM or SIGINT. Requests that run are finished, and disks that nobody uses are taken out; disks in\n" +
			"use stay, and the next serve on the same directories finds them. Sockets are for their owner only: whoever can\n" +
			"connect is that VM.",
		Example: "  # Two Docker machines that share a datastore (root)\n" +
			"  vmdksim serve --datastore ds1=/srv/ds1 --vm vm1=/run/esx1/vm1.sock --vm vm2=/run/esx1/vm2.sock --dir /run/esx1\n" +
			"  vmdkd --esx unix:/run/esx1/vm1.sock --dev-root /run/esx1/vm1/dev --sys-root /run/esx1/vm1/sys\n\n" +
			"  # Files only, for a vmdkd with --guest sim (no root)\n" +
			"  vmdksim serve --no-loop --datastore /tmp/ds --vm vm1=/tmp/vm1.sock\n\n" +
			"  # Two datastores; vm2 lives on the second one\n" +
			"  vmdksim serve --datastore ds1=/srv/ds1 --datastore ds2=/srv/ds2 --vm vm1=/run/a.sock --vm vm2=/run/b.sock --home vm2=ds2",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return badInput(fmt.Errorf("unexpected argument %q", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !o.noLoop || cmd.Flags().Changed("dir") { // else nothing says that there is such a directory
				o.control = cmp.Or(o.control, filepath.Join(o.dir, controlFile))
				o.configDB = cmp.Or(o.configDB, filepath.Join(o.dir, configFile))
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.datastores, "datastore", nil, "[NAME=]DIR of a datastore; the first one is the home of all VMs; NAME is by default DIR's last part")
	f.StringArrayVar(&o.vms, "vm", nil, "NAME=SOCKET of a VM")
	f.StringArrayVar(&o.homes, "home", nil, "VM=DATASTORE: another home datastore of a VM")
	f.StringVar(&o.dir, "dir", defaultDir, "directory for the devices of the VMs")
	f.StringVar(&o.defaultDatastore, "default-datastore", "", "where volumes without \"@datastore\" are (default: the home of their VM)")
	f.BoolVar(&o.noLoop, "no-loop", false, "attached disks do not appear anywhere")
	f.StringArrayVar(&o.vsan, "vsan", nil, "DATASTORE that takes vSAN policies, see 'vmdksim admin policy'")
	f.StringVar(&o.control, "control", "", "socket for vmdksim admin (default "+controlFile+" in --dir; without loop devices and --dir, none)")
	f.StringVar(&o.configDB, "config", "", "path of the config database, which is made by 'vmdksim admin config init' (default "+configFile+" in --dir)")
	f.StringVar(&o.quirks, "quirks", "faithful,one-receiver=off,gives-up=off", "faithful, fixed, NAME=on or NAME=off, separated by commas; some act in the simulation only, see vmdksim quirks")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	return cmd
}

// run serves until ctx is done.
func (o *serving) run(ctx context.Context, out, logTo io.Writer) error {
	c, err := o.config(logTo)
	if err != nil {
		return badInput(err)
	}
	if c.Loop && os.Geteuid() != 0 {
		return lacking(errors.New("loop devices need root; run it as root, or with --no-loop"))
	}
	h, err := host.Open(c)
	switch {
	case errors.Is(err, host.ErrConfig):
		return badInput(err)
	case errors.Is(err, host.ErrNoLoop):
		return lacking(fmt.Errorf("%w; or run it with --no-loop", err))
	case errors.Is(err, host.ErrInUse):
		return badInput(fmt.Errorf("%w; give this one another --dir", err))
	case err != nil:
		return &exitError{exitFound, err}
	}
	defer func() {
		if failed := h.Close(); failed != nil {
			c.Log.Error("not everything could be given back", "err", failed)
		}
		if db, ok := c.Groups.(io.Closer); ok {
			_ = db.Close() // it only frees memory
		}
	}()
	if err := h.Listen(); err != nil {
		return badInput(err)
	}
	c.Log.Warn("volumes are on a simulated ESX host, not on ESX storage")
	if names := host.WithoutEffect(o.quirks); names != nil {
		c.Log.Warn("these quirks act in the simulation only, and change nothing here; see 'vmdksim quirks'", "quirks", strings.Join(names, ","))
	}
	for _, vm := range c.VMs {
		fmt.Fprintf(out, "vm %s: --esx unix:%s", vm.Name, vm.Socket)
		if c.Loop {
			fmt.Fprintf(out, " --dev-root %s --sys-root %s", h.DevRoot(vm.Name), h.SysRoot(vm.Name))
		}
		fmt.Fprintln(out)
	}
	if c.Control != "" {
		fmt.Fprintf(out, "admin: --control %s\n", c.Control)
	}
	fmt.Fprintln(out, "vmdksim serve: ready")
	if err := h.Serve(ctx); err != nil {
		return &exitError{exitFound, err}
	}
	return nil
}

func (o *serving) config(logTo io.Writer) (host.Config, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return host.Config{}, fmt.Errorf("--log-level %q is none of debug, info, warn, error", o.logLevel)
	}
	log := slog.New(slog.NewTextHandler(logTo, &slog.HandlerOptions{Level: level})).With("backend", "simulated")
	c := host.Config{Loop: !o.noLoop, Detach: true, DefaultDatastore: o.defaultDatastore, VSAN: o.vsan, Log: log, LogFile: "stderr"}
	var err error
	if c.Quirks, err = host.ParseQuirks(o.quirks); err != nil {
		return c, fmt.Errorf("--quirks: %w", err)
	}
	if c.VMDir, err = filepath.Abs(o.dir); err != nil {
		return c, err
	}
	if len(o.datastores) == 0 || len(o.vms) == 0 {
		return c, errors.New("serve needs at least one --datastore and one --vm; see 'vmdksim serve --help'")
	}
	for _, arg := range o.datastores {
		name, dir, named := strings.Cut(arg, "=")
		if !named || strings.Contains(name, "/") { // a path may have a "=", too
			name, dir = filepath.Base(arg), arg
		}
		if dir == "" {
			return c, fmt.Errorf("--datastore %q is no [NAME=]DIR", arg)
		}
		if dir, err = filepath.Abs(dir); err != nil {
			return c, err
		}
		c.Datastores = append(c.Datastores, host.Datastore{Name: name, Dir: dir})
	}
	homes := map[string]string{}
	for _, arg := range o.homes {
		vm, datastore, ok := strings.Cut(arg, "=")
		if !ok || vm == "" || datastore == "" {
			return c, fmt.Errorf("--home %q is no VM=DATASTORE", arg)
		}
		homes[vm] = datastore
	}
	for _, arg := range o.vms {
		name, socket, ok := strings.Cut(arg, "=")
		if !ok || socket == "" {
			return c, fmt.Errorf("--vm %q is no NAME=SOCKET", arg)
		}
		if socket, err = filepath.Abs(socket); err != nil {
			return c, err
		}
		c.VMs = append(c.VMs, host.VM{Name: name, Socket: socket, Home: homes[name]})
		delete(homes, name)
	}
	for vm := range homes {
		return c, fmt.Errorf("--home %s=…: there is no such --vm", vm)
	}
	return c, o.administration(&c)
}

// administration fills in what admin needs.
func (o *serving) administration(c *host.Config) (err error) {
	if o.control != "" {
		if c.Control, err = filepath.Abs(o.control); err != nil {
			return err
		}
	}
	if o.configDB == "" {
		return nil
	}
	db := configdb.Config{Datastores: map[string]string{}}
	for _, d := range c.Datastores {
		db.Datastores[d.Name] = d.Dir
	}
	if db.Path, err = filepath.Abs(o.configDB); err != nil {
		return err
	}
	c.Groups, err = configdb.New(db)
	return err
}
