//go:build !linux || !vmci

package vmci

import (
	"context"
	"errors"

	"vmdkvol/driver/wire"
)

var errNotBuilt = errors.New("vmci: not in this build: build on Linux with -tags vmci")

// Transport cannot be made in this build.
type Transport struct{}

// New always fails in this build.
func New(Config) (*Transport, error) { return nil, errNotBuilt }

// RoundTrip always fails in this build, and sends nothing.
func (*Transport) RoundTrip(context.Context, []byte) ([]byte, error) {
	return nil, errors.Join(wire.ErrNotSent, errNotBuilt)
}
