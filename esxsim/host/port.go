package host

import (
	"context"
	"fmt"
	"io"

	"vmdkvol/driver/wire"
)

// Port is a VM's way to its host inside one process. It is a vmdkops.Transport.
type Port struct {
	host *Host
	vm   string
}

// Port returns the way of a VM; requests of a VM that does not exist are answered with an error.
func (h *Host) Port(vm string) Port { return Port{h, vm} }

// RoundTrip executes one request text and returns the reply text. When ctx is done it returns; what has begun goes on.
func (p Port) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("simulated host: %w: %w", wire.ErrNotSent, context.Cause(ctx))
	}
	if len(request)+1 > wire.MaxRequest {
		return nil, fmt.Errorf("simulated host: %w: %w", wire.ErrNotSent, wire.ErrTooLarge)
	}
	if !p.host.begin() {
		return nil, fmt.Errorf("simulated host: %w: %w", wire.ErrNotSent, ErrClosed)
	}
	reply := make(chan []byte, 1)
	go func() {
		defer p.host.work.Done()
		reply <- p.host.esx.Handle(ctx, p.vm, request)
	}()
	select {
	case text := <-reply:
		if text == nil {
			return nil, fmt.Errorf("simulated host: %w", io.ErrUnexpectedEOF)
		}
		return text, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("simulated host: %w", context.Cause(ctx))
	}
}
