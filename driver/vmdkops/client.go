package vmdkops

import (
	"context"
	"errors"
	"log/slog"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
)

// Config is what a Client needs.
type Config struct {
	Transport Transport
	Env       seam.Env     // for the pauses between repeats
	Log       *slog.Logger // repeats, at level debug; nil logs nothing
	Codec     Codec        // nil is Plain
}

// Client sends commands to the service. Its methods are safe for concurrent use; their errors are *Error.
type Client struct {
	transport Transport
	env       seam.Env
	log       *slog.Logger
	codec     Codec
}

// New makes a Client.
func New(c Config) (*Client, error) {
	if c.Transport == nil {
		return nil, errors.New("vmdkops: config has no transport")
	}
	if c.Env == nil {
		return nil, errors.New("vmdkops: config has no env")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Codec == nil {
		c.Codec = Plain{}
	}
	return &Client{transport: c.Transport, env: c.Env, log: c.Log, codec: c.Codec}, nil
}

// Create makes a volume. A volume that exists already is the error Exists; Unknown means that it may exist now, or
// soon, and is for the caller to settle, by Get.
func (c *Client) Create(ctx context.Context, name string, opts map[string]string) error {
	return c.void(ctx, wire.Create, name, opts)
}

// Remove deletes a volume. A volume that does not exist is success: the service says so (docs/original.md §2.10).
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.void(ctx, wire.Remove, name, nil)
}

// Attach plugs the volume's disk into this VM and returns its place. A disk that is plugged into this VM already is
// success.
func (c *Client) Attach(ctx context.Context, name string) (wire.Device, error) {
	var at wire.Device
	err := c.do(ctx, wire.Attach, name, nil, func(reply []byte) (err error) {
		at, err = c.codec.Device(reply)
		return err
	})
	if err != nil {
		return wire.Device{}, err
	}
	return at, nil
}

// Detach unplugs the volume's disk from this VM. A disk that is not plugged into this VM is success.
func (c *Client) Detach(ctx context.Context, name string) error {
	return c.void(ctx, wire.Detach, name, nil)
}

// Get returns what the service knows of a volume. NotFound is its definite word that there is none; Unreadable means
// that the volume is there but nothing can be said of it.
func (c *Client) Get(ctx context.Context, name string) (wire.Volume, error) {
	var v wire.Volume
	err := c.do(ctx, wire.Get, name, nil, func(reply []byte) error {
		got, known, err := c.codec.Volume(reply)
		if err == nil && !known {
			err = errUnreadable
		}
		v = got
		return err
	})
	if err != nil {
		return wire.Volume{}, err
	}
	return v, nil
}

// List returns the full names (volume@datastore) of the volumes of this VM's vmgroup, in the service's order, which
// means nothing. A VM without a vmgroup gets an empty list (docs/original.md §1.8).
func (c *Client) List(ctx context.Context) ([]string, error) {
	var names []string
	err := c.do(ctx, wire.List, "", nil, func(reply []byte) error {
		listed, err := wire.ParseList(reply)
		if err != nil {
			return err
		}
		names = make([]string, len(listed))
		for i := range listed {
			names[i] = listed[i].Name
		}
		return nil
	})
	return names, err
}

// Version returns the version of the installed service, "N/A" if it does not know its own.
func (c *Client) Version(ctx context.Context) (string, error) {
	var version string
	err := c.do(ctx, wire.GetVersion, "", nil, func(reply []byte) (err error) {
		version, err = wire.ParseVersion(reply)
		return err
	})
	return version, err
}

func (c *Client) void(ctx context.Context, cmd wire.Command, name string, opts map[string]string) error {
	return c.do(ctx, cmd, name, opts, c.codec.Null)
}
