package vmdkops

import "vmdkvol/driver/wire"

// Codec writes the requests of a Client and reads the replies, each as the function of driver/wire does that its comment
// names; it is safe for concurrent use if the Client is used so. A Codec of one's own is for who sees the same few texts
// again and again, an explorer, and remembers what those functions returned. What a Codec returns is not changed by
// anybody.
type Codec interface {
	Request(r wire.Request) ([]byte, error)                              // wire.AppendRequest
	Null(reply []byte) error                                             // wire.ParseNull
	Device(reply []byte) (wire.Device, error)                            // wire.ParseDevice
	Volume(reply []byte) (volume wire.Volume, known bool, problem error) // wire.ParseVolume
}

// Plain is the Codec that remembers nothing.
type Plain struct{}

var _ Codec = Plain{}

// Request implements [Codec], in memory of its own: the transport may keep it.
func (Plain) Request(r wire.Request) ([]byte, error) {
	return wire.AppendRequest(make([]byte, 0, 128), r)
}

// Null implements [Codec].
func (Plain) Null(reply []byte) error { return wire.ParseNull(reply) }

// Device implements [Codec].
func (Plain) Device(reply []byte) (wire.Device, error) { return wire.ParseDevice(reply) }

// Volume implements [Codec].
func (Plain) Volume(reply []byte) (wire.Volume, bool, error) { return wire.ParseVolume(reply) }
