package front

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/docker/go-plugins-helpers/sdk"
	"github.com/docker/go-plugins-helpers/volume"

	"vmdkvol/driver"
)

// panicked is a panic of the driver as an error; stack is that of the panic.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("internal error: %v", p.value) }

// serve is the way of one request through the front.
func (h *Handler) serve(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		h.met(r)
		req := new(request)
		if !e.noBody {
			var err error
			if req, err = decode(r.Body); err != nil {
				h.log.Warn("bad request", "op", e.op, "error", err)
				if e.dropped && (errors.Is(err, errEmpty) || errors.Is(err, errCut)) {
					panic(http.ErrAbortHandler)
				}
				h.write(w, http.StatusBadRequest, volume.NewErrorResponse(oneLine(err.Error())))
				return
			}
		}
		id, ok := h.inFlight.begin(e.op, req.Name, start)
		if !ok {
			h.log.Warn("request dropped: stopping", "op", e.op, "volume", req.Name)
			panic(http.ErrAbortHandler)
		}
		defer h.inFlight.end(id)

		body, err := h.answer(r, e, req)
		h.logged(r.Context(), e.op, req, start, err)
		switch {
		case err == nil:
			h.writeBytes(w, http.StatusOK, body)
		case e.dropped && !definite(err):
			panic(http.ErrAbortHandler)
		default:
			h.write(w, http.StatusInternalServerError, volume.NewErrorResponse(Text(err)))
		}
	}
}

// answer calls the driver and encodes what it returned; a panic on the way becomes an error.
func (h *Handler) answer(r *http.Request, e endpoint, req *request) (body []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares by identity, too
				panic(v)
			}
			err = fmt.Errorf("%s %q: %w", e.op, req.Name, &panicked{value: v, stack: debug.Stack()})
		}
	}()
	if err := h.visible(e, r.RemoteAddr); err != nil {
		return nil, err
	}
	a, err := e.call(r.Context(), req)
	if err != nil {
		return nil, err
	}
	if body, err = json.Marshal(a); err != nil {
		return nil, fmt.Errorf("answer to %s %q: %w", e.op, req.Name, err)
	}
	return body, nil
}

// definite reports whether err says for sure that there is no such volume.
func definite(err error) bool {
	k := driver.KindOf(err)
	return k == driver.NotFound || k == driver.BadName
}

func (h *Handler) logged(ctx context.Context, op string, req *request, start time.Time, err error) {
	if err == nil && !h.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []any{"op", op, "volume", req.Name, "id", req.ID, "took", time.Since(start)}
	var p *panicked
	switch {
	case err == nil:
		h.log.DebugContext(ctx, "request", attrs...)
		if op == "Mount" && ctx.Err() != nil {
			h.log.WarnContext(ctx, "mounted, but Docker no longer waits for the answer", attrs...)
		}
	case errors.As(err, &p):
		h.log.ErrorContext(ctx, "request panicked", append(attrs, "error", err, "stack", string(p.stack))...)
	case op == "Get" && definite(err):
		// Docker asks before every create: no trouble.
		h.log.DebugContext(ctx, "request", append(attrs, "error", err)...)
	default:
		h.log.WarnContext(ctx, "request failed", append(attrs, "error", err)...)
	}
}

func (h *Handler) write(w http.ResponseWriter, status int, answer any) {
	b, err := json.Marshal(answer)
	if err != nil { // strings only: cannot fail
		panic(http.ErrAbortHandler)
	}
	h.writeBytes(w, status, b)
}

// writeBytes hands the whole answer to the kernel before it returns: a request in flight has not finished before
// that, because Serve closes the connections once all have.
func (h *Handler) writeBytes(w http.ResponseWriter, status int, body []byte) {
	body = append(body, '\n')
	hd := w.Header()
	hd.Set("Content-Type", sdk.DefaultContentTypeV1_1)
	hd.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := bytes.NewReader(body).WriteTo(w)
	if err == nil {
		err = http.NewResponseController(w).Flush()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		h.log.Warn("answer not delivered", "error", err)
	}
}
