// Package byhand is a client of the ESX service that knows the protocol from PROTOCOL.md alone, and none of this module's code:
// so a mistake that an encoder and its decoder share shows here. internal/house checks that it imports nothing.
//
//	reply, err := byhand.Exchange(conn, byhand.Request("get", "data@ds1", ""))
package byhand

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// ErrClosed is in the error of [Exchange] if the service has closed the connection without a byte.
var ErrClosed = errors.New("closed without a byte")

// Request is the text of a request; opts is a JSON object, or "".
func Request(command, volume, opts string) string {
	name, err := json.Marshal(volume)
	if err != nil {
		panic(err) // a string can always be one in JSON
	}
	if opts != "" {
		opts = `,"Opts":` + opts
	}
	return `{"cmd":"` + command + `","details":{"Name":` + string(name) + opts + `},"version":"2"}`
}

// Frame puts the magic, the length with the NUL, both 32 bits little endian, and the NUL around a text.
func Frame(text string) []byte {
	n := len(text) + 1
	b := []byte{0xef, 0xbe, 0xad, 0x0b, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
	return append(append(b, text...), 0)
}

// Exchange sends the frame of a request and reads the whole connection, which must hold one frame.
func Exchange(c io.ReadWriter, request string) (reply string, err error) {
	if _, err := c.Write(Frame(request)); err != nil {
		return "", err
	}
	return Receive(c)
}

// Receive reads a connection to its end.
func Receive(c io.Reader) (reply string, err error) {
	b, err := io.ReadAll(c)
	switch {
	case len(b) == 0:
		return "", ErrClosed
	case err != nil && !errors.Is(err, syscall.ECONNRESET): // a service that has not read all resets, which is an end, too
		return "", err
	case len(b) < 9 || !bytes.HasPrefix(b, []byte{0xef, 0xbe, 0xad, 0x0b}):
		return "", fmt.Errorf("no frame: % x", b)
	}
	n := int(b[4]) | int(b[5])<<8 | int(b[6])<<16 | int(b[7])<<24
	text := b[8:]
	if n != len(text) || text[n-1] != 0 || bytes.IndexByte(text, 0) != n-1 {
		return "", fmt.Errorf("length %d and %d bytes: %q", n, len(text), text)
	}
	return string(text[:n-1]), nil
}
