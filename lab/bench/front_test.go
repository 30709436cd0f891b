package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"vmdkvol/driver/front"
)

// remote is a driver at the other end of a socket. Only Mount and Unmount go there, and what post is asked for.
type remote struct {
	front.Driver // nil
	client       *http.Client
}

func (r remote) Mount(_ context.Context, v, id string) (string, error) { return r.post("Mount", v, id) }

func (r remote) Unmount(_ context.Context, v, id string) error {
	_, err := r.post("Unmount", v, id)
	return err
}

func (r remote) post(op, volume, id string) (mountpoint string, err error) {
	body, err := json.Marshal(map[string]string{"Name": volume, "ID": id})
	if err != nil {
		return "", err
	}
	res, err := r.client.Post("http://plugin/VolumeDriver."+op, "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var reply struct{ Mountpoint, Err string }
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return "", err
	}
	if reply.Err != "" {
		return "", errors.New(reply.Err)
	}
	return reply.Mountpoint, nil
}

// throughSocket serves a driver on a unix socket with the production front, and returns it as its clients see it.
func throughSocket(b *testing.B, d front.Driver) (seen front.Driver, stop func()) {
	b.Helper()
	handler, err := front.New(front.Config{Driver: d})
	must(b, err)
	path := filepath.Join(b.TempDir(), "plugin.sock")
	listener, err := net.Listen("unix", path)
	must(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- handler.Serve(ctx, listener) }()
	seen, hangUp := dial(path)
	return seen, func() {
		hangUp()
		cancel()
		must(b, <-served)
	}
}

// throughNothing serves the answer of a Mount, to whatever is asked.
func throughNothing(b *testing.B) (seen front.Driver, stop func()) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "nothing.sock")
	listener, err := net.Listen("unix", path)
	must(b, err)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"Mountpoint":"/mnt/vmdk/v","Err":""}`)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	seen, hangUp := dial(path)
	return seen, func() {
		hangUp()
		must(b, server.Close())
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			b.Fatal(err)
		}
	}
}

// dial returns the driver behind a socket, once somebody listens there.
func dial(socket string) (d remote, hangUp func()) {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}
	return remote{client: &http.Client{Transport: transport}}, transport.CloseIdleConnections
}
