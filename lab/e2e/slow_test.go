//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// slowLink is on the way between a vmdkd and the simulated ESX host, and makes attaches slow: a real host takes a second
// for one, and what goes wrong meanwhile would go by unseen in the milliseconds of a loop device.
type slowLink struct {
	listener net.Listener
	to       string // the ESX host's socket
	delay    atomic.Int64
}

func newSlowLink(at, to string) (*slowLink, error) {
	l, err := net.Listen("unix", at)
	if err != nil {
		return nil, err
	}
	s := &slowLink{listener: l, to: to}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() { _ = s.pass(c) }() // vmdkd sees a cut connection, and says so
		}
	}()
	return s, nil
}

// pass passes one request on and its reply back; a connection carries no more (PROTOCOL.md).
func (s *slowLink) pass(client net.Conn) error {
	defer client.Close()
	head := make([]byte, 8) // magic, length
	if _, err := io.ReadFull(client, head); err != nil {
		return err
	}
	request := make([]byte, min(binary.LittleEndian.Uint32(head[4:]), 1<<16))
	if _, err := io.ReadFull(client, request); err != nil {
		return err
	}
	if bytes.Contains(request, []byte(`"attach"`)) {
		time.Sleep(time.Duration(s.delay.Load()))
	}
	esx, err := net.Dial("unix", s.to)
	if err != nil {
		return err
	}
	defer esx.Close()
	_, err = esx.Write(append(head, request...))
	_, rerr := io.Copy(client, esx)
	return errors.Join(err, rerr)
}

// slowly makes attaches of the host take that long for the rest of the test.
func (h *dockerHost) slowly(t *testing.T, attach time.Duration) {
	h.link.delay.Store(int64(attach))
	t.Cleanup(func() { h.link.delay.Store(0) })
}
