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
	return &Client{socket: socket, plugin: plugin, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
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
	var all []container
	if err := json.NewDecoder(body).Decode(&all); err != nil {
		return nil, fmt.Errorf("docker at %s answers no list of containers: %w", c.socket, err)
	}
	if all == nil {
		return nil, fmt.Errorf("docker at %s answers null instead of a list of containers", c.socket)
	}
	var found []driver.Container
	for i := range all {
		if volumes := c.volumes(&all[i]); len(volumes) > 0 {
			found = append(found, driver.Container{ID: all[i].ID, Running: running(all[i].State), Volumes: volumes})
		}
	}
	return found, nil
}

// volumes are those of the plugin. A managed plugin's name has a tag.
func (c *Client) volumes(of *container) (names []string) {
	for _, m := range of.Mounts {
		if m.Type == "volume" && m.Name != "" && (m.Driver == c.plugin || strings.HasPrefix(m.Driver, c.plugin+":")) {
			names = append(names, m.Name)
		}
	}
	return names
}

// running reports whether a container in that state can have its volumes mounted: only these states say that it has not.
func running(state string) bool {
	switch state {
	case "created", "exited", "dead":
		return false
	}
	return true
}
