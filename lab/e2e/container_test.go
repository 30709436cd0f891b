//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The images, made by hand: no registry is asked.
const (
	plainImage  = "box:1"
	seededImage = "seeded:1" // with content in /seed
)

// container is one container of a test, removed at its end.
type container struct {
	on *dockerHost
	id string
}

// steps joins steps of box.
func steps(s ...string) []string {
	var args []string
	for i, step := range s {
		if i > 0 {
			args = append(args, ",")
		}
		args = append(args, strings.Fields(step)...)
	}
	return args
}

// create makes a container with one volume, by the volume driver vmdk, at a directory.
func create(ctx context.Context, h *dockerHost, image, volume, dir string, args []string) (*container, error) {
	var made struct{ ID string }
	err := h.docker.do(ctx, http.MethodPost, "/containers/create", map[string]any{
		"Image": image, "Cmd": args,
		"HostConfig": map[string]any{
			"Binds": []string{volume + ":" + dir}, "VolumeDriver": "vmdk", "NetworkMode": "none",
		},
	}, &made)
	return &container{on: h, id: made.ID}, err
}

// newContainer is create for a test.
func newContainer(t *testing.T, h *dockerHost, image, volume, dir string, s ...string) *container {
	t.Helper()
	c, err := create(t.Context(), h, image, volume, dir, steps(s...))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.remove(context.Background()) }) // most are gone by then
	return c
}

func (c *container) call(ctx context.Context, method, verb string, out any) error {
	return c.on.docker.do(ctx, method, "/containers/"+c.id+verb, nil, out)
}

func (c *container) start(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/start", nil)
}

// remove returns after the volume was unmounted.
func (c *container) remove(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "?force=1", nil)
}

// finish waits for the container's end, and fails unless all of its steps succeeded. It returns what it said.
func (c *container) finish(ctx context.Context) (lines []string, err error) {
	var end struct{ StatusCode int }
	if err := c.call(ctx, http.MethodPost, "/wait", &end); err != nil {
		return nil, err
	}
	lines, err = c.said(ctx, "")
	if err == nil && end.StatusCode != 0 {
		err = fmt.Errorf("container ended with %d: %q", end.StatusCode, lines)
	}
	return lines, errors.Join(err, c.remove(ctx))
}

// end tells a container that holds to end, and finishes it.
func (c *container) end(ctx context.Context) ([]string, error) {
	if err := c.call(ctx, http.MethodPost, "/kill?signal=TERM", nil); err != nil {
		return nil, err
	}
	return c.finish(ctx)
}

// holding waits until the container has done all before its step hold, and returns what it said.
func (c *container) holding(ctx context.Context) ([]string, error) { return c.said(ctx, "holding") }

// said returns the lines that the container said. If until is not "" it follows the container up to that line, or to its
// end, which is an error then.
func (c *container) said(ctx context.Context, until string) ([]string, error) {
	query := url.Values{"stdout": {"1"}, "stderr": {"1"}}
	if until != "" {
		query.Set("follow", "1")
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://lab/containers/"+c.id+"/logs?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.on.docker.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, said(resp)
	}
	var all bytes.Buffer
	for {
		// Each piece has a header of 8 bytes: the stream, three zeros, and the length.
		var head [8]byte
		_, err := io.ReadFull(resp.Body, head[:])
		if err == nil {
			_, err = io.CopyN(&all, resp.Body, int64(binary.BigEndian.Uint32(head[4:])))
		}
		lines := strings.Split(strings.TrimSpace(all.String()), "\n")
		switch {
		case err == nil && until != "" && lines[len(lines)-1] == until:
			return lines, nil
		case errors.Is(err, io.EOF) && until == "":
			return lines, nil
		case err != nil:
			return nil, fmt.Errorf("container said %q and not %q: %w", lines, until, err)
		}
	}
}

// run runs a container to its end.
func run(t *testing.T, h *dockerHost, volume string, s ...string) []string {
	t.Helper()
	lines, err := tryRun(t, h, volume, s...)
	require.NoError(t, err)
	return lines
}

// tryRun is run for what may be refused.
func tryRun(t *testing.T, h *dockerHost, volume string, s ...string) ([]string, error) {
	t.Helper()
	c := newContainer(t, h, plainImage, volume, "/data", s...)
	if err := c.start(t.Context()); err != nil {
		return nil, err
	}
	return c.finish(t.Context())
}

// hold runs a container that holds the volume until its end is called.
func hold(t *testing.T, h *dockerHost, volume string, s ...string) (*container, []string) {
	t.Helper()
	c := newContainer(t, h, plainImage, volume, "/data", append(s, "hold")...)
	require.NoError(t, c.start(t.Context()))
	lines, err := c.holding(t.Context())
	require.NoError(t, err)
	return c, lines
}
