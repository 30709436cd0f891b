package front

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/docker/go-plugins-helpers/sdk"

	"vmdkvol/driver"
)

// Driver is what front needs of package driver. Every method is safe for concurrent use. The context of a call is
// cancelled when Docker hangs up.
type Driver interface {
	Create(ctx context.Context, name string, opts map[string]string) error
	Remove(ctx context.Context, name string) error
	Mount(ctx context.Context, name, id string) (mountpoint string, err error)
	Unmount(ctx context.Context, name, id string) error
	Get(ctx context.Context, name string) (driver.Volume, error)
	List(ctx context.Context) ([]driver.Volume, error)
	Path(ctx context.Context, name string) (mountpoint string, err error)
}

// Config of a Handler.
type Config struct {
	Driver Driver // required

	// SeenBy returns why the process would not find a volume that is mounted here, nil if it would; pid 0 is a process
	// that cannot be seen from here. A Mount asked for by a process that would not is refused. Default: everybody would.
	SeenBy func(pid int) error
	// Drain bounds how long Serve waits for requests in flight once it was told to stop. Default 30 seconds.
	Drain time.Duration
	// Log gets one line per request at debug level, and each error once at warn level. Default: nothing is logged.
	Log *slog.Logger
}

// manifest is the answer to /Plugin.Activate (docs/original.md §3.1).
const manifest = `{"Implements": ["VolumeDriver"]}`

const prefix = "/VolumeDriver."

// Handler serves the volume plugin protocol. It is safe for concurrent use.
type Handler struct {
	driver Driver
	seenBy func(pid int) error
	drain  time.Duration
	log    *slog.Logger

	sdk      sdk.Handler
	calls    map[string]http.HandlerFunc // by path; written only by New
	inFlight *inFlight
	server   atomic.Pointer[http.Server] // the plugin library's, once a request came through it
}

// New makes a Handler. It starts nothing.
func New(c Config) (*Handler, error) {
	if c.Driver == nil {
		return nil, errors.New("front: no driver")
	}
	if c.Drain < 0 {
		return nil, errors.New("front: negative time to drain")
	}
	if c.Drain == 0 {
		c.Drain = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{
		driver:   c.Driver,
		seenBy:   c.SeenBy,
		drain:    c.Drain,
		log:      c.Log,
		sdk:      sdk.NewHandler(manifest),
		calls:    make(map[string]http.HandlerFunc),
		inFlight: newInFlight(),
	}
	for _, e := range h.endpoints() {
		f := h.serve(e)
		h.calls[prefix+e.op] = f
		h.sdk.HandleFunc(prefix+e.op, f)
	}
	return h, nil
}

// ServeHTTP answers one request without a socket, for tests and benchmarks. It is the very function that Serve
// enters, except for /Plugin.Activate, which belongs to the plugin library. A request whose connection Docker would
// see dropped ends in a panic with http.ErrAbortHandler, as usual in net/http.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := h.calls[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	f(w, r)
}
