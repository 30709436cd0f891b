//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// client speaks HTTP over a unix socket: to an engine or, as the engine does, to a plugin.
type client struct{ http *http.Client }

// newClient keeps no connection open, so that descriptors can be counted.
func newClient(socket string) *client {
	return &client{http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
}

// refusal is an answer that says no.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d: %s", r.status, r.text) }

// refused returns what the other side said, and false if it said yes or did not answer.
func refused(err error) (text string, ok bool) {
	var r *refusal
	if !errors.As(err, &r) {
		return "", false
	}
	return r.text, true
}

// do sends in, JSON unless it is a reader, and reads the answer into out, JSON unless it is a buffer or nil.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	switch in := in.(type) {
	case nil:
	case io.Reader:
		body = in
	default:
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://lab"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if _, raw := in.(io.Reader); raw {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return said(resp)
	}
	switch out := out.(type) {
	case nil:
		_, err = io.Copy(io.Discard, resp.Body)
	case *bytes.Buffer:
		_, err = io.Copy(out, resp.Body)
	default:
		err = json.NewDecoder(resp.Body).Decode(out)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// post is a call of the plugin protocol.
func (c *client) post(path string, in, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return c.do(ctx, http.MethodPost, path, in, out)
}

// said reads the text of a refusal, of an engine or of a plugin.
func said(resp *http.Response) error {
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct{ Message, Err string }
	text := strings.TrimSpace(string(b))
	if json.Unmarshal(b, &answer) == nil && answer.Message+answer.Err != "" {
		text = answer.Message + answer.Err
	}
	return &refusal{status: resp.StatusCode, text: text}
}
