package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The address and the limits of the protocol (docs/original.md §1.1, §1.3, §1.5).
const (
	Magic      = 0x0badbeef
	HeaderSize = 8        // magic and length, each 32 bits, little endian
	MaxRequest = 4096     // bytes of text and NUL; the service refuses more
	MaxReply   = 16 << 20 // bytes of text and NUL; our limit, the original has none

	Version       = "2"
	Port          = 1019 // where the service listens
	HostCID       = 2    // the ESX host
	MinClientPort = 100  // source ports of a client; the service refuses 1024 and above
	MaxClientPort = 1023
)

const (
	firstRead = 256      // bytes; holds every reply but list, get and long errors
	readStep  = 64 << 10 // bytes; a larger frame takes memory as its bytes arrive
)

// AppendFrame appends the frame of a text. The text must not hold a NUL, which JSON never does; its length is the
// caller's affair.
func AppendFrame(dst, text []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, Magic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)+1))
	dst = append(dst, text...)
	return append(dst, 0)
}

// ReadFrame reads exactly one frame and returns its text, without the NUL, in memory of its own. limit bounds the bytes of
// text and NUL and is checked before memory is taken for them.
//
// It returns io.EOF only if r ends before the first byte; else one of this package's frame errors, or the error of r
// wrapped.
func ReadFrame(r io.Reader, limit int) ([]byte, error) {
	buf := make([]byte, HeaderSize, firstRead)
	// The magic alone is enough to refuse: a foreign peer may send four bytes and wait.
	n, err := io.ReadAtLeast(r, buf, 4)
	if n == 0 && errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err == nil {
		if err := checkMagic(buf); err != nil {
			return nil, err
		}
		_, err = io.ReadFull(r, buf[n:])
	}
	if err != nil {
		return nil, readError("header", err)
	}
	size, err := frameSize(buf, limit)
	if err != nil {
		return nil, err
	}

	if size <= cap(buf) {
		buf = buf[:size]
	} else {
		buf = make([]byte, min(size, readStep))
	}
	for done := 0; ; {
		if _, err := io.ReadFull(r, buf[done:]); err != nil {
			return nil, readError("body", err)
		}
		done = len(buf)
		if done == size {
			return frameText(buf)
		}
		grown := make([]byte, min(size, 2*done))
		copy(grown, buf)
		buf = grown
	}
}

// ParseFrame returns the text, without the NUL, of b, which must hold exactly one whole frame. limit is as in
// [ReadFrame]. The text aliases b.
func ParseFrame(b []byte, limit int) ([]byte, error) {
	if len(b) >= 4 {
		if err := checkMagic(b); err != nil {
			return nil, err
		}
	}
	if len(b) < HeaderSize {
		return nil, fmt.Errorf("%w: %d bytes of header", ErrTruncated, len(b))
	}
	size, err := frameSize(b, limit)
	if err != nil {
		return nil, err
	}
	body := b[HeaderSize:]
	if len(body) < size {
		return nil, fmt.Errorf("%w: %d of %d bytes of body", ErrTruncated, len(body), size)
	}
	if len(body) > size {
		return nil, fmt.Errorf("%w: %d", ErrTrailing, len(body)-size)
	}
	return frameText(body)
}

func checkMagic(header []byte) error {
	if got := binary.LittleEndian.Uint32(header); got != Magic {
		return fmt.Errorf("%w: got %#x, want %#x", ErrMagic, got, uint32(Magic))
	}
	return nil
}

// frameSize returns the announced bytes of text and NUL, from 1 to limit.
func frameSize(header []byte, limit int) (int, error) {
	n := binary.LittleEndian.Uint32(header[4:])
	if n == 0 {
		return 0, ErrLength
	}
	if uint64(n) > uint64(limit) { // 64 bits: int may have 32
		return 0, fmt.Errorf("%w: frame of %d bytes, limit %d", ErrTooLarge, n, limit)
	}
	return int(n), nil
}

func frameText(body []byte) ([]byte, error) {
	last := len(body) - 1
	switch at := bytes.IndexByte(body, 0); at {
	case last:
		return body[:last:last], nil
	case -1:
		return nil, ErrNoNUL
	default:
		return nil, fmt.Errorf("%w: at byte %d of %d", ErrInnerNUL, at, last)
	}
}

func readError(part string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: in the %s", ErrTruncated, part)
	}
	return fmt.Errorf("wire: read %s: %w", part, err)
}
