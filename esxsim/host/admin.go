package host

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"vmdkvol/esxsim"
)

// The administrator of a host speaks to it on a socket of its own: one line of JSON with the command, one with the reply,
// as many times as it likes. A line that is no command is told so.

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

// Admin executes one command of the host's administrator. It is safe for concurrent use: one command runs at a time. The end
// of ctx ends the wait for others and a long list; a change that has begun is finished or undone.
func (h *Host) Admin(ctx context.Context, c esxsim.Command) (esxsim.Result, error) {
	if !h.begin() {
		return esxsim.Result{}, ErrClosed
	}
	defer h.work.Done()
	select {
	case h.administer <- struct{}{}:
		defer func() { <-h.administer }()
	case <-ctx.Done():
		return esxsim.Result{}, context.Cause(ctx)
	}
	return esxsim.NewAdmin(h.esx, h.cfg.Groups, newUUID).In(h.program()).Do(ctx, c)
}

// program is what status says of this process.
func (h *Host) program() esxsim.Program {
	p := esxsim.Program{Pid: os.Getpid(), LogFile: h.cfg.LogFile}
	var sockets []string
	for _, vm := range h.cfg.VMs {
		if vm.Socket != "" {
			sockets = append(sockets, "unix:"+vm.Socket)
		}
	}
	p.Port = strings.Join(sockets, ",")
	for _, level := range []slog.Level{slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug} {
		if h.log.Enabled(context.Background(), level) {
			p.LogLevel = strings.ToLower(level.String())
		}
	}
	return p
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
	in := bufio.NewReader(c)
	out := json.NewEncoder(c)
	for {
		if err := c.SetReadDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		line, err := readLine(in, maxCommand)
		switch {
		case errors.Is(err, errLongLine):
		case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("control socket: %w", err)
		}
		var reply Reply
		var command esxsim.Command
		if err == nil {
			err = json.Unmarshal(line, &command)
		}
		if err != nil {
			reply = Reply{Error: fmt.Sprintf("a command is one line of JSON, such as {\"name\":\"status\"}: %v", err), Usage: true}
		} else if reply.Result, err = s.host.Admin(s.patient, command); err != nil {
			reply = Reply{Error: err.Error(), Usage: errors.Is(err, esxsim.ErrUsage)}
		}
		if err := c.SetWriteDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
			return err
		}
		if err := out.Encode(reply); err != nil {
			return err
		}
		if line == nil { // where the next command begins, nobody knows
			return nil
		}
	}
}

var errLongLine = fmt.Errorf("this one has more than %d bytes", maxCommand)

// readLine returns the next line that is not empty, without its end; the last one may have none. After errLongLine the rest
// of the line is still there.
func readLine(in *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		text := bytes.TrimSpace(line)
		switch {
		case len(line) > limit:
			return nil, errLongLine
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(text) > 0:
			return text, nil
		case err != nil:
			return nil, err
		case len(text) > 0:
			return text, nil
		default:
			line = line[:0]
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
		return none, fmt.Errorf("%w: %s", esxsim.ErrUsage, strings.TrimPrefix(reply.Error, esxsim.ErrUsage.Error()+": "))
	case reply.Error != "":
		return none, fmt.Errorf("%w: %s", ErrRefused, reply.Error)
	}
	return reply.Result, nil
}
