package main

import (
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"vmdkvol/driver"
)

const defaultSysRoot = "/sys"

// options are the flags as given.
type options struct {
	socket    string
	mountRoot string
	esx       string
	datastore string
	guest     string
	devRoot   string
	sysRoot   string
	docker    string
	stateDir  string
	recover   time.Duration
	logLevel  string
	logFormat string
}

func (o *options) register(f *pflag.FlagSet) {
	f.StringVar(&o.socket, "socket", "/run/docker/plugins/vmdk.sock",
		"unix socket to serve on; Docker names the driver after the file; ignored if systemd passes a socket")
	f.StringVar(&o.mountRoot, "mount-root", "/mnt/vmdk", "directory below which volumes are mounted")
	f.StringVar(&o.esx, "esx", defaultESX, "the ESX host: "+usage(backends()))
	f.StringVar(&o.guest, "guest", "linux", "this machine's disks and mounts: "+usage(guests()))
	f.StringVar(&o.devRoot, "dev-root", "", "directory with disk/by-path (default /dev, or what the embedded host makes)")
	f.StringVar(&o.sysRoot, "sys-root", defaultSysRoot, "where sysfs is mounted (the embedded host makes its own)")
	f.StringVar(&o.docker, "docker", "/run/docker.sock",
		"Docker's socket, for recovery: what earlier runs of vmdkd mounted is let go when no container uses it; \"\" turns that off")
	f.DurationVar(&o.recover, "recover-every", driver.DefaultRecovery, "time from one pass of recovery to the next")
	f.StringVar(&o.stateDir, "state-dir", "/var/lib/vmdkd", "directory for what a run of vmdkd leaves to the next")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	o.registerBuild(f)
}

// usable is a choice that a build offers.
type usable interface{ syntax() string }

// usage lists the choices for a help text.
func usage[T usable](choices map[string]T) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(choices)) {
		all = append(all, choices[name].syntax())
	}
	return strings.Join(all, " | ")
}

// check finds what is wrong in the options alone, before anything is touched.
func (o *options) check() error {
	paths := []struct {
		flag, value string
		mayBeEmpty  bool
	}{
		{"socket", o.socket, false},
		{"mount-root", o.mountRoot, false},
		{"sys-root", o.sysRoot, false},
		{"dev-root", o.devRoot, true},
		{"docker", o.docker, true},
		{"state-dir", o.stateDir, false},
	}
	for _, p := range paths {
		if !filepath.IsAbs(p.value) && (p.value != "" || !p.mayBeEmpty) {
			return wrongInput("--%s %q is not an absolute path", p.flag, p.value)
		}
	}
	if info, err := os.Stat(o.mountRoot); err == nil && !info.IsDir() {
		return wrongInput("--mount-root %s is no directory", o.mountRoot)
	}
	if o.recover < time.Second {
		return wrongInput("--recover-every %s is less than a second", o.recover)
	}
	const maxSocket = 107 // unix(7): 108 with the final NUL
	if len(o.socket) > maxSocket {
		return wrongInput("--socket is longer than the %d bytes a unix socket can have: %s", maxSocket, o.socket)
	}
	if _, err := o.logger(io.Discard); err != nil {
		return err
	}
	if _, ok := guests()[o.guest]; !ok {
		return wrongInput("--guest %q is none of %s", o.guest, usage(guests()))
	}
	_, _, err := o.host()
	return err
}

// host splits --esx into the kind of host and its address.
func (o *options) host() (backendKind, string, error) {
	name, address, _ := strings.Cut(o.esx, ":")
	k, ok := backends()[name]
	if !ok {
		return backendKind{}, "", wrongInput("--esx %q is none of %s", o.esx, usage(backends()))
	}
	if err := k.check(address); err != nil {
		return backendKind{}, "", wrongInput("--esx %q: %w; want %s", o.esx, err, k.form)
	}
	return k, address, nil
}

func (o *options) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, wrongInput("--log-level %q is none of debug, info, warn, error", o.logLevel)
	}
	h := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, h)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, h)), nil
	}
	return nil, wrongInput("--log-format %q is none of text, json", o.logFormat)
}
