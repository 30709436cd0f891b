package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxBody bounds what is read of a request. Names and options are short; the ESX protocol carries 4096 bytes.
const maxBody = 1 << 20

var (
	// errEmpty is a request that came without a body: what Docker sends when it repeats a call whose connection
	// broke (moby #39331).
	errEmpty = errors.New("request without a body, as Docker repeats one whose connection broke; try again")
	// errCut is a request whose sender went away before the end of its body.
	errCut = errors.New("request body cut")
)

// decode reads one JSON object and nothing after it.
func decode(body io.Reader) (*request, error) {
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.LimitReader(body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCut, err)
	}
	if n > maxBody {
		return nil, fmt.Errorf("request body longer than %d bytes", maxBody)
	}
	b := bytes.TrimSpace(buf.Bytes())
	if len(b) == 0 {
		return nil, errEmpty
	}
	if b[0] != '{' { // null would decode into a request without a name
		return nil, errors.New("request body is not a JSON object")
	}
	r := new(request)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("request body is not valid: %w", err)
	}
	return r, nil
}
