package dockerapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"vmdkvol/driver"
)

// Client asks one daemon. Its methods are safe for concurrent use.
type Client struct {
	socket string
	plugin string
	http   *http.Client
}

var _ driver.Docker = (*Client)(nil)

// New makes a client of the daemon at a unix socket. plugin is the name by which Docker knows this driver: the name of the
// plugin's socket without its ending.
func New(socket, plugin string) *Client {
	return &Client{socket: socket, plugin: plugin, http: &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// container is what the daemon lists; moby's api/types/container.Summary.
type container struct {
	ID     string `json:"Id"`
	State  string
	Mounts []struct {
		Type   string
		Name   string
		Driver string
	}
}

// maxList bounds an answer, in bytes: some 100,000 containers.
const maxList = 256 << 20

// Containers returns all containers that name volumes of the plugin.
func (c *Client) Containers(ctx context.Context) ([]driver.Container, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/containers/json?all=true", nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Docker at %s: %w", c.socket, errors.Unwrap(err)) // without the URL that is none
	}
	defer resp.Body.Close()
	body := io.LimitReader(resp.Body, maxList)
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(body, 200)) // what there is of it
		return nil, fmt.Errorf("docker at %s answers %s: %s", c.socket, resp.Status, strings.TrimSpace(string(said)))
	}
	found, err := c.list(json.NewDecoder(body))
	if err != nil {
		return nil, fmt.Errorf("docker at %s answers no whole list of containers: %w", c.socket, err)
	}
	return found, nil
}

// list reads the answer container by container: most are none of ours, and need not be in memory together.
func (c *Client) list(from *json.Decoder) (found []driver.Container, err error) {
	switch begin, err := from.Token(); {
	case err != nil:
		return nil, err
	case begin != json.Delim('['):
		return nil, fmt.Errorf("it begins with %.40q", fmt.Sprint(begin))
	}
	for from.More() {
		var one container
		if err := from.Decode(&one); err != nil {
			return nil, err
		}
		if volumes := c.volumes(&one); len(volumes) > 0 {
			found = append(found, driver.Container{ID: one.ID, Running: running(one.State), Volumes: volumes})
		}
	}
	if _, err := from.Token(); err != nil {
		return nil, err
	}
	switch more, err := from.Token(); {
	case err == nil:
		return nil, fmt.Errorf("it goes on with %.40q", fmt.Sprint(more))
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return found, nil
}

// volumes are those of the plugin.
func (c *Client) volumes(of *container) (names []string) {
	for _, m := range of.Mounts {
		if m.Type == "volume" && m.Name != "" && c.drives(m.Driver) {
			names = append(names, m.Name)
		}
	}
	return names
}

// drives reports whether Docker means the plugin by a driver's name: a managed plugin's is that of an image, perhaps with
// registry, path and tag.
func (c *Client) drives(name string) bool {
	if name == c.plugin {
		return true
	}
	name, _, _ = strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	return name == c.plugin
}

// running reports whether a container in that state can have its volumes mounted: only these states say that it has not.
func running(state string) bool {
	switch state {
	case "created", "exited", "dead":
		return false
	}
	return true
}
