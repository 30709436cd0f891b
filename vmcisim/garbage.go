package vmcisim

import (
	"encoding/binary"
	"slices"

	"vmdkvol/driver/wire"
)

// What a peer that is not what it should be may write instead of a frame. Each makes another frame.

func badMagic(frame []byte) []byte {
	frame = slices.Clone(frame)
	frame[0] ^= 1
	return frame
}

func zeroLength(frame []byte) []byte { return announce(frame, 0) }

func hugeLength(frame []byte) []byte { return announce(frame, 1<<32-1) }

func longLength(frame []byte) []byte { return announce(frame, uint32(len(frame)-wire.HeaderSize+1)) }

func shortLength(frame []byte) []byte { return announce(frame, uint32(len(frame)-wire.HeaderSize-1)) }

// announce changes the length and leaves the body as it is.
func announce(frame []byte, n uint32) []byte {
	frame = slices.Clone(frame)
	binary.LittleEndian.PutUint32(frame[4:], n)
	return frame
}

func noNUL(frame []byte) []byte {
	frame = slices.Clone(frame)
	frame[len(frame)-1] = 'x'
	return frame
}

func innerNUL(frame []byte) []byte {
	frame = slices.Clone(frame)
	frame[half.in(frame, 0)] = 0
	return frame
}

// trailing is a whole frame and what does not belong to it.
func trailing(frame []byte) []byte { return append(slices.Clone(frame), "trailing"...) }

// notJSON is a frame without fault, about nothing.
func notJSON(frame []byte) []byte {
	frame = slices.Clone(frame)
	frame[wire.HeaderSize] = '!'
	return frame
}
