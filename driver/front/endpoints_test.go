package front_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

var ops = []string{"Create", "Remove", "Mount", "Unmount", "Path", "Get", "List", "Capabilities"}

func takesBody(op string) bool { return op != "List" && op != "Capabilities" && op != "Activate" }

// enter posts without a socket; dropped says that the connection would have been.
func enter(t *testing.T, h http.Handler, op, body string) (rec *httptest.ResponseRecorder, dropped bool) {
	t.Helper()
	rec = httptest.NewRecorder()
	defer func() {
		if v := recover(); v != nil {
			require.Equal(t, http.ErrAbortHandler, v)
			dropped = true
		}
	}()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/VolumeDriver."+op, strings.NewReader(body)))
	return rec, false
}

func errOf(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	var e struct{ Err *string }
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &e), rec.Body.String())
	require.NotNil(t, e.Err, rec.Body.String())
	return *e.Err
}

func TestAnswers(t *testing.T) {
	d := &scripted{on: func(_ context.Context, op, name, _ string) (driver.Volume, error) {
		v := driver.Volume{Name: name, Mountpoint: "/mnt/vmdk/" + name}
		if op == "Get" {
			v.Created = "2016-12-20T19:35:28Z"
			v.Status = map[string]any{"backend": "simulated"}
		}
		return v, nil
	}}
	for _, c := range []struct{ op, body, want, asked string }{
		{"Create", `{"Name":"v","Opts":{"size":"1gb"}}`, `{"Err":""}`, "Create(v,map[size:1gb])"},
		{"Create", `{"Name":"v","Opts":null}`, `{"Err":""}`, "Create(v,map[])"},
		{"Create", `{"Name":"v"}`, `{"Err":""}`, "Create(v,map[])"},
		{"Create", ` {"Name":"v","Later":{"x":[1]}} ` + "\n", `{"Err":""}`, "Create(v,map[])"},
		{"Remove", `{"Name":"v"}`, `{"Err":""}`, "Remove(v,)"},
		{"Mount", `{"Name":"v","ID":"a1"}`, `{"Mountpoint":"/mnt/vmdk/v","Err":""}`, "Mount(v,a1)"},
		{"Unmount", `{"Name":"v","ID":"a1"}`, `{"Err":""}`, "Unmount(v,a1)"},
		{"Path", `{"Name":"v"}`, `{"Mountpoint":"/mnt/vmdk/v","Err":""}`, "Path(v,)"},
		{
			"Get", `{"Name":"v@DS"}`,
			`{"Volume":{"Name":"v@DS","Mountpoint":"/mnt/vmdk/v@DS","CreatedAt":"2016-12-20T19:35:28Z",` +
				`"Status":{"backend":"simulated"}},"Err":""}`, "Get(v@DS,)",
		},
		{"List", ``, `{"Volumes":[{"Name":"","Mountpoint":"/mnt/vmdk/"}],"Err":""}`, "List(,)"},
		{"List", `{}`, `{"Volumes":[{"Name":"","Mountpoint":"/mnt/vmdk/"}],"Err":""}`, "List(,)"},
		{"Capabilities", ``, `{"Capabilities":{"Scope":"global"},"Err":""}`, ""},
		// What the driver refuses reaches it as it came; what is no UTF-8 comes as U+FFFD.
		{"Remove", `{"Name":""}`, `{"Err":""}`, "Remove(,)"},
		{"Remove", `{"Name":"../a/b"}`, `{"Err":""}`, "Remove(../a/b,)"},
		{"Remove", `{"Name":"a\u0000b"}`, `{"Err":""}`, "Remove(a\x00b,)"},
		{"Remove", "{\"Name\":\"a\xffb\"}", `{"Err":""}`, "Remove(a\ufffdb,)"},
	} {
		t.Run(c.op+" "+c.body, func(t *testing.T) {
			d.asked = nil
			rec, dropped := enter(t, handler(t, d, nil), c.op, c.body)
			require.False(t, dropped)
			require.Equal(t, http.StatusOK, rec.Code)
			require.Equal(t, "application/vnd.docker.plugins.v1.1+json", rec.Header().Get("Content-Type"))
			require.JSONEq(t, c.want, rec.Body.String())
			if c.asked != "" {
				require.Equal(t, []string{c.asked}, d.calls())
			}
		})
	}
}

func TestNoVolumesIsAList(t *testing.T) {
	h := handler(t, none{&scripted{}}, nil)
	rec, _ := enter(t, h, "List", "")
	require.JSONEq(t, `{"Volumes":[],"Err":""}`, rec.Body.String())
}

type none struct{ *scripted }

func (none) List(context.Context) ([]driver.Volume, error) { return nil, nil }

// Docker decodes CreatedAt into a time.Time and takes a failure for "no such volume".
func TestUnreadableCreationTimeIsLeftOut(t *testing.T) {
	for _, created := range []string{"", "Tue Dec 20 19:35:28 2016", "2016-12-20"} {
		d := &scripted{on: func(_ context.Context, _, name, _ string) (driver.Volume, error) {
			return driver.Volume{Name: name, Created: created}, nil
		}}
		rec, dropped := enter(t, handler(t, d, nil), "Get", `{"Name":"v"}`)
		require.False(t, dropped)
		require.JSONEq(t, `{"Volume":{"Name":"v"},"Err":""}`, rec.Body.String())
	}
}

func TestBadBodies(t *testing.T) {
	bodies := []struct {
		name, body string
		empty      bool
	}{
		{"empty", "", true},
		{"blank", " \r\n\t", true},
		{"not json", "hello", false},
		{"cut", `{"Name":"v"`, false},
		{"garbage after", `{"Name":"v"} x`, false},
		{"two objects", `{"Name":"v"}{"Name":"w"}`, false},
		{"null", "null", false},
		{"array", `[{"Name":"v"}]`, false},
		{"string", `"v"`, false},
		{"name is a number", `{"Name":7}`, false},
		{"padded", `{"Name":"v"}` + strings.Repeat(" ", 1<<20), false},
		{"too long", `{"Name":"` + strings.Repeat("v", 1<<20) + `"}`, false},
	}
	for _, op := range ops {
		for _, b := range bodies {
			t.Run(op+"/"+b.name, func(t *testing.T) {
				d := &scripted{}
				rec, dropped := enter(t, handler(t, d, nil), op, b.body)
				switch {
				case !takesBody(op):
					require.False(t, dropped)
					require.Equal(t, http.StatusOK, rec.Code)
					return
				case op == "Get" && b.empty:
					require.True(t, dropped, "an answer makes Docker forget the volume")
				default:
					require.False(t, dropped)
					require.Equal(t, http.StatusBadRequest, rec.Code)
					require.NotEmpty(t, errOf(t, rec))
				}
				require.Empty(t, d.calls(), "the driver must not hear of it")
			})
		}
	}
}

// cutBody ends before the length that was announced.
type cutBody struct{}

func (cutBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCutBodyOfGetIsDropped(t *testing.T) {
	h := handler(t, &scripted{}, nil)
	r := httptest.NewRequest(http.MethodPost, "/VolumeDriver.Get", cutBody{})
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { h.ServeHTTP(httptest.NewRecorder(), r) })
}

func TestErrors(t *testing.T) {
	kinds := map[string]driver.Kind{
		"bad name": driver.BadName, "bad option": driver.BadOption, "not found": driver.NotFound,
		"exists": driver.Exists, "in use": driver.InUse, "doubt": driver.Doubt, "denied": driver.Denied,
		"full": driver.Full, "unreachable": driver.Unreachable, "busy": driver.Busy, "failed": driver.Failed,
		"closed": driver.Closed,
	}
	answers := map[driver.Kind]bool{driver.BadName: true, driver.NotFound: true} // to Get
	for name, k := range kinds {
		for _, op := range ops {
			if op == "Capabilities" {
				continue
			}
			t.Run(op+"/"+name, func(t *testing.T) {
				d := &scripted{on: func(context.Context, string, string, string) (driver.Volume, error) {
					return driver.Volume{}, &driver.Error{Op: "x", Volume: "v", Kind: k, Err: errors.New("cause")}
				}}
				rec, dropped := enter(t, handler(t, d, nil), op, `{"Name":"v"}`)
				if op == "Get" && !answers[k] {
					require.True(t, dropped, "Docker would forget the volume")
					require.Empty(t, rec.Body.String())
					return
				}
				require.False(t, dropped)
				require.Equal(t, http.StatusInternalServerError, rec.Code)
				require.Equal(t, "cause", strings.Split(errOf(t, rec), ";")[0])
			})
		}
	}
}

func TestGetDropsPlainErrors(t *testing.T) {
	for _, err := range []error{errors.New("boom"), context.DeadlineExceeded, context.Canceled} {
		d := &scripted{on: func(context.Context, string, string, string) (driver.Volume, error) {
			return driver.Volume{}, err
		}}
		_, dropped := enter(t, handler(t, d, nil), "Get", `{"Name":"v"}`)
		require.True(t, dropped)
	}
}

func TestStatusThatCannotBeEncoded(t *testing.T) {
	d := &scripted{on: func(context.Context, string, string, string) (driver.Volume, error) {
		return driver.Volume{Status: map[string]any{"x": math.NaN()}}, nil
	}}
	h := handler(t, d, nil)
	_, dropped := enter(t, h, "Get", `{"Name":"v"}`)
	require.True(t, dropped)
	rec, _ := enter(t, h, "List", "")
	require.Equal(t, http.StatusInternalServerError, rec.Code)
}

func TestUnknownCall(t *testing.T) {
	rec, dropped := enter(t, handler(t, &scripted{}, nil), "Frobnicate", `{"Name":"v"}`)
	require.False(t, dropped)
	require.Equal(t, http.StatusNotFound, rec.Code)
}

func TestPanicOfTheDriver(t *testing.T) {
	for _, op := range ops {
		if op == "Capabilities" {
			continue
		}
		t.Run(op, func(t *testing.T) {
			d := &scripted{on: func(context.Context, string, string, string) (driver.Volume, error) {
				panic("boom")
			}}
			var log strings.Builder
			rec, dropped := enter(t, handler(t, d, &log), op, `{"Name":"data"}`)
			require.Contains(t, log.String(), "scripted", "the log has the stack")
			require.Equal(t, 1, strings.Count(log.String(), "\n"), "logged once")
			if op == "Get" {
				require.True(t, dropped, "an error of Get makes Docker forget the volume")
				return
			}
			require.Equal(t, http.StatusInternalServerError, rec.Code)
			require.Contains(t, errOf(t, rec), op)
			require.Contains(t, errOf(t, rec), "boom")
		})
	}
}

func TestAbortOfTheDriverDropsTheConnection(t *testing.T) {
	d := &scripted{on: func(context.Context, string, string, string) (driver.Volume, error) {
		panic(http.ErrAbortHandler)
	}}
	_, dropped := enter(t, handler(t, d, nil), "Mount", `{"Name":"v"}`)
	require.True(t, dropped)
}

func TestOneLogLinePerRequest(t *testing.T) {
	for body, level := range map[string]string{`{"Name":"v"}`: "DEBUG", `{"Name":"bad"}`: "WARN", `{`: "WARN"} {
		var log strings.Builder
		d := &scripted{on: func(_ context.Context, _, name, _ string) (driver.Volume, error) {
			if name == "bad" {
				return driver.Volume{}, &driver.Error{Op: "remove", Volume: name, Kind: driver.Busy, Err: errors.New("x")}
			}
			return driver.Volume{}, nil
		}}
		enter(t, handler(t, d, &log), "Remove", body)
		require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
		require.Contains(t, log.String(), "level="+level)
	}
}
