package vmcisim

import (
	"io"
	"slices"

	"vmdkvol/driver/wire"
)

// stream is how a frame arrives that something happens to: in pieces, and then an end. It goes through wire.ReadFrame, as
// on a real connection; a frame that arrives well is not worth that.
type stream struct {
	bytes []byte
	first int   // bytes in the first piece; 0: there is but one
	end   error // behind the last byte
}

// Read returns what has arrived, never more than one piece.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.bytes) == 0 {
		return 0, s.end
	}
	piece := s.bytes
	if s.first > 0 {
		piece = piece[:s.first]
	}
	n := copy(p, piece)
	s.bytes = s.bytes[n:]
	s.first = max(0, s.first-n)
	return n, nil
}

// arrive is what a fault leaves of a frame.
func (f fault) arrive(frame []byte) *stream {
	switch f.kind {
	case cut:
		return &stream{bytes: frame[:f.where.in(frame, 0)], end: ErrReset}
	case split:
		return &stream{bytes: frame, first: f.where.in(frame, 1), end: io.EOF}
	case garbage:
		return &stream{bytes: f.harm(frame), end: io.EOF}
	default:
		return nil
	}
}

// receive is the text of a request as the service reads it.
func (n *Network) receive(frame []byte, s *stream) ([]byte, error) {
	if s == nil {
		return wire.ParseFrame(frame, wire.MaxRequest)
	}
	if n.cfg.OneRecv {
		whole, err := recvOnce(s)
		if err != nil {
			return nil, err
		}
		s = &stream{bytes: whole, end: io.EOF}
	}
	return wire.ReadFrame(s, wire.MaxRequest)
}

// recvOnce asks once for each element of a frame, as the original does on both sides (docs/original.md §1.5), and returns
// the bytes. Fewer than were asked for is an error.
func recvOnce(s *stream) ([]byte, error) {
	header := make([]byte, wire.HeaderSize)
	for at := 0; at < len(header); at += 4 {
		if n, _ := s.Read(header[at : at+4]); n < 4 {
			return nil, wire.ErrTruncated
		}
	}
	size := int64(header[4]) | int64(header[5])<<8 | int64(header[6])<<16 | int64(header[7])<<24
	if size > wire.MaxRequest {
		return header, nil // its header is enough to refuse it
	}
	body := make([]byte, size)
	if n, _ := s.Read(body); n < len(body) {
		return nil, wire.ErrTruncated
	}
	return slices.Concat(header, body), nil
}
