package host

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"vmdkvol/esxsim"
)

// The administrator of a host speaks to it on a socket of its own: one line of JSON with the command, one with the reply,
// as many times as it likes.

// Reply is what a host answers on its control socket.
type Reply struct {
	esxsim.Result
	Error string `json:"error,omitempty"`
	Usage bool   `json:"usage,omitempty"` // the error is that of whoever asks
}

// maxCommand is the most that a command may have, in bytes.
const maxCommand = 1 << 20

// ErrRefused is in the error of [Ask] if the host understood the command and did not do it.
var ErrRefused = errors.New("refused")

// Admin executes one command of the host's administrator. It is safe for concurrent use: one command runs at a time.
func (h *Host) Admin(ctx context.Context, c esxsim.Command) (esxsim.Result, error) {
	if !h.begin() {
		return esxsim.Result{}, ErrClosed
	}
	defer h.work.Done()
	h.administer.Lock()
	defer h.administer.Unlock()
	return esxsim.NewAdmin(h.esx, h.cfg.Groups, newUUID).Do(ctx, c)
}

// Command, Result and AdminCommand are those of [Host.Admin], see [esxsim.Admin].
type (
	Command      = esxsim.Command
	Result       = esxsim.Result
	AdminCommand = esxsim.AdminCommand
)

// ErrUsage is in the error of [Ask] if the command is none, or its options are wrong.
var ErrUsage = esxsim.ErrUsage

// AdminCommands returns all commands of [Host.Admin], sorted by name.
func AdminCommands() []esxsim.AdminCommand { return esxsim.AdminCommands() }

// newUUID makes a random uuid (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// control answers one connection of the administrator.
func (s *server) control(ctx context.Context, c Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	in := json.NewDecoder(io.LimitReader(c, maxCommand))
	out := json.NewEncoder(c)
	for {
		if err := c.SetReadDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		var command esxsim.Command
		err := in.Decode(&command)
		switch {
		case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("control socket: %w", err)
		}
		var reply Reply
		if reply.Result, err = s.host.Admin(context.WithoutCancel(ctx), command); err != nil {
			reply = Reply{Error: err.Error(), Usage: errors.Is(err, esxsim.ErrUsage)}
		}
		if err := c.SetWriteDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
			return err
		}
		if err := out.Encode(reply); err != nil {
			return err
		}
	}
}

// Ask sends a command to the control socket of a running host. An error with [ErrRefused] or [esxsim.ErrUsage] is the
// host's; another means that there is no host, or that it did not answer, and perhaps has done it.
func Ask(ctx context.Context, socket string, c esxsim.Command) (esxsim.Result, error) {
	var none esxsim.Result
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return none, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := json.NewEncoder(conn).Encode(c); err != nil {
		return none, err
	}
	var reply Reply
	err = json.NewDecoder(conn).Decode(&reply)
	switch {
	case err != nil:
		return none, fmt.Errorf("no reply from %s: %w", socket, err)
	case reply.Usage:
		return none, fmt.Errorf("%w: %s", esxsim.ErrUsage, reply.Error)
	case reply.Error != "":
		return none, fmt.Errorf("%w: %s", ErrRefused, reply.Error)
	}
	return reply.Result, nil
}
