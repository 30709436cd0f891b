package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"vmdkvol/driver"
	"vmdkvol/esxsim"
	"vmdkvol/guestsim"
)

// The answers that are not a kind of the driver's errors.
const (
	okAnswer      = "ok"
	droppedAnswer = "dropped"        // the plugin did not live to answer
	nothingAnswer = "nothing"        // an empty list, no path, no such file
	bareAnswer    = "bare directory" // where a volume should be mounted, nothing is
	ioAnswer      = "i/o error"
	noMountAnswer = "not mounted" // this client was never told a mountpoint
	offAnswer     = "powered off"
	frozenAnswer  = "suspended" // nobody lives there at the moment
	wrongAnswer   = "wrong"     // a check; the run says what is wrong
	downFact      = "down"      // the references of a plugin that does not run
)

// containerFile is the file that write and read mean.
const containerFile = "file"

// role is a client as runs play it.
type role struct {
	client string
	host   int
	lines  []line
	play   func() // the life of the client, in the world of the theatre
}

// line is one operation with the texts that every run would make again.
type line struct {
	op       *Op
	text, ok string // the call, and its good answer
	point    string // where a call of Docker's can fail
	number   int    // of the line, among all of the script
	volume   int    // index of the theatre's volumes, noOne if it is about none
}

// cast prepares a client. The script may be made by a program, so what the parser knows is checked again.
func (t *theatre) cast(c Client) (role, error) {
	r := role{client: c.Name}
	vm := func(name string) (int, error) {
		if name == "" || name == vmName {
			return 0, nil
		}
		i := slices.Index(t.script.VMs, name)
		if i < 0 {
			return 0, unknown("VM", name, append([]string{vmName}, t.script.VMs...)...)
		}
		return i + 1, nil
	}
	var err error
	if r.host, err = vm(c.VM); err != nil {
		return r, err
	}
	for i := range c.Ops {
		op := &c.Ops[i]
		aimed, esx := op.aimed()
		if _, err := vm(aimed); err != nil {
			return r, err
		}
		if esx != "" && esx != esxName && !slices.Contains(t.script.ESX, esx) {
			return r, unknown("ESX host", esx, append([]string{esxName}, t.script.ESX...)...)
		}
		t.strange(op)
		t.lives = t.lives || disruptive(op.Verb)
		t.esx = t.esx || op.ends()
		text := op.String()
		l := line{op: op, text: text, ok: text + arrow + okAnswer, point: dockerPoint(op.Verb), number: t.lines, volume: noOne}
		t.lines++
		if op.Volume != "" {
			l.volume = t.volume(volumePart(op.Volume))
		}
		r.lines = append(r.lines, l)
	}
	return r, nil
}

// Call is one operation of a run and what came of it.
type Call struct {
	Client string
	Op     *Op
	Answer string // "" while it runs

	kind       string // the answer as the judge knows it, without whom it names
	host       *host
	life       int // of the host's plugin
	mountpoint string
	invoked    int64 // logical times
	returned   int64
	missed     bool   // there was no plugin to hear of it
	gone       bool   // whoever asked had gone before the answer was certain
	disk       string // a Create, and the volume's disk when it began
	held       bool   // an Unmount, and its container held the volume for certain
	leftover   bool   // a Mount, and the volume was mounted already without anybody to hold it
	line       int
	volume     int            // index of its subject, noOne if it is about none
	began      time.Time      // virtual
	status     map[string]any // that Get told, like created
	created    string
	name       string
	seen       sights // of a List
}

// perform is the life of a client.
func (w *World) perform(r *role) {
	h := w.hosts[r.host]
	for i := range r.lines {
		l := &r.lines[i]
		if i > 0 && w.t.script.Fine {
			w.k.Before("call", l.op.Volume)
		}
		w.sync()
		call := w.judge.invoke(h, r.client, l)
		var answer string
		var err error
		switch l.op.Verb {
		case "create", "remove", "mount", "unmount", "get", "list", "path":
			answer, err = w.ask(h, call, l)
		case "write", "read", "sync":
			answer, err = w.file(call)
		case "tamper":
			answer = w.tamper(call)
		default:
			answer, err = w.operate(h, call)
		}
		w.sync()
		w.judge.answer(call, l, answer, err)
		if h.docker != nil {
			h.heard(call)
		}
	}
	if w.t.esx || w.t.script.Recovery > 0 {
		w.leave()
	}
}

// ask is a request of Docker's to the plugin.
func (w *World) ask(h *host, call *Call, l *line) (answer string, err error) {
	if h.down.is() || h.frozen.is() {
		call.missed = true
		if h.frozen.is() {
			if s := w.judge.subject(call); s != nil {
				s.uncertain = true // an Unmount that nobody heard
			}
			return frozenAnswer, nil
		}
		return droppedAnswer, nil
	}
	if h.docker != nil && call.Op.Verb == "mount" {
		h.docker.Asks(call.Op.ID, call.Op.Volume)
	}
	ctx := w.caller(h, call, l)
	lived := h.within(func() { answer, err = w.request(ctx, h, call) })
	if ctx != context.Background() {
		w.k.Follow("")
	}
	if !lived {
		call.kind = "" // it may have got as far as to an answer
		return droppedAnswer, nil
	}
	if err == nil {
		return answer, nil
	}
	answer = driver.KindOf(err).String()
	call.kind = answer
	if e, ok := errors.AsType[*driver.Error](err); ok && e.Owner != "" {
		answer += " by " + e.Owner
	}
	return answer, err
}

func (w *World) request(ctx context.Context, h *host, call *Call) (answer string, err error) {
	op, plugin := call.Op, h.driver
	w.sync()
	answer = okAnswer
	switch op.Verb {
	case "create":
		err = plugin.Create(ctx, op.Volume, op.Opts)
	case "remove":
		err = plugin.Remove(ctx, op.Volume)
	case "mount":
		call.mountpoint, err = plugin.Mount(ctx, op.Volume, op.ID)
	case "unmount":
		err = plugin.Unmount(ctx, op.Volume, op.ID)
	case "get":
		var v driver.Volume
		v, err = plugin.Get(ctx, op.Volume)
		call.name, call.mountpoint, call.status, call.created = v.Name, v.Mountpoint, v.Status, v.Created
	case "path":
		answer, err = plugin.Path(ctx, op.Volume)
		call.mountpoint, call.kind = answer, okAnswer
		if answer == "" {
			answer = nothingAnswer
		}
	default:
		var list []driver.Volume
		list, err = plugin.List(ctx)
		call.kind = okAnswer
		w.judge.listed(call, list)
		names := make([]string, len(list))
		for i, v := range list {
			names[i] = v.Name
		}
		if answer = strings.Join(names, " "); answer == "" {
			answer = nothingAnswer
		}
	}
	return answer, err
}

// file is what a container does below the mountpoint that its client was told last.
func (w *World) file(call *Call) (answer string, err error) {
	w.k.Before("file."+call.Op.Verb, call.Op.Volume)
	if call.host.frozen.is() {
		return frozenAnswer, nil
	}
	at := w.judge.told(call)
	if at == "" {
		return noMountAnswer, nil
	}
	guest, s := call.host.guest, w.judge.subject(call)
	_, mounted := guest.At(at)
	answer = okAnswer
	switch call.Op.Verb {
	case "write":
		if err = guest.Write(at, containerFile, []byte(call.Op.Text)); err == nil && mounted {
			w.judge.wrote(call, s)
		}
	case "sync":
		if err = guest.Sync(at); err == nil && mounted {
			w.judge.synced(call, s)
		}
	default:
		var text []byte
		text, err = guest.Read(at, containerFile)
		answer = string(text)
		if mounted && (err == nil || errors.Is(err, fs.ErrNotExist)) {
			w.judge.read(call, s, answer)
		}
	}
	switch {
	case errors.Is(err, guestsim.ErrReadOnly):
		return readOnly, err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return ioAnswer, err
	case !mounted:
		return bareAnswer, nil
	case err != nil:
		return nothingAnswer, nil
	}
	return answer, nil
}

// tamper is what an administrator of the VM does to a mountpoint.
func (w *World) tamper(call *Call) (answer string) {
	w.k.Before("file.tamper", call.Op.Volume)
	if call.host.frozen.is() {
		return frozenAnswer
	}
	if !call.host.guest.Tamper(w.t.volumes[call.volume].mountpoint) {
		return noMountAnswer
	}
	w.judge.tampered(call)
	return okAnswer
}

// operate is what neither Docker nor a container does.
func (w *World) operate(h *host, call *Call) (answer string, err error) {
	ctx, op := context.Background(), call.Op
	switch op.Verb {
	case "poweroff":
		err = w.host(op.Target).powerOff(ctx)
	case "poweron":
		err = w.host(op.Target).powerOn(ctx)
	case "crash", "restart":
		return w.processes(ctx, h, op), nil
	case "send":
		if h.frozen.is() {
			return frozenAnswer, nil
		}
		return w.send(ctx, h, op)
	case "admin":
		return w.administer(ctx, op)
	case "sleep":
		err = w.docker.Sleep(ctx, op.Pause)
	case "check":
		w.disrupt("check", call.Client)
		return w.check(h, op), nil
	default:
		answer, err = w.operateESX(ctx, op)
	}
	switch {
	case errors.Is(err, esxsim.ErrLocked):
		return "locked", err
	case err != nil:
		return "failed", err
	case answer != "":
		return answer, nil
	}
	return okAnswer, nil
}

func (w *World) processes(ctx context.Context, h *host, op *Op) (answer string) {
	process, esx, _ := strings.Cut(op.Target, "@")
	switch {
	case process == hostdProcess:
		if esx == "" {
			esx = esxName
		}
		w.esx(esx).hostd(op.Verb == "restart")
	case op.ends() && op.Verb == "crash":
		w.esx(op.Target).crash(ctx)
	case op.ends():
		w.esx(op.Target).restart(ctx)
	case op.Verb == "crash":
		w.disrupt("plugin.crash", h.name)
		h.crash()
	default:
		w.disrupt("plugin.restart", h.name)
		if h.off.is() {
			return offAnswer
		}
		h.boot()
	}
	return okAnswer
}

// check compares facts with what they are now. What is wrong is an expectation that was not met: an exploration, which
// runs the same operations in other orders, does not mind.
func (w *World) check(h *host, op *Op) (answer string) {
	answer = okAnswer
	for _, c := range op.Facts {
		if got := w.now(h, c); got != c.Want {
			answer = wrongAnswer
			w.judge.wrong = append(w.judge.wrong, fmt.Sprintf("%s:%d: check %s, but it is %s", w.t.script.File, op.Line, c, got))
		}
	}
	return answer
}

// now is the truth about a condition while the run goes on. It waits for the locks of the volumes that it counts.
func (w *World) now(h *host, c Condition) string {
	if c.VM != "" {
		h = w.host(c.VM)
	}
	if c.What != "refs" {
		return w.fact(h, c)
	}
	w.sync()
	defer w.sync()
	var refs map[string]int
	var err error
	down, plugin := h.down.is(), h.driver
	if down || !h.within(func() { refs, err = plugin.References(context.Background()) }) {
		return downFact
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(refs[volumePart(c.Volume)+"@"+datastore])
}

// fact is the truth about a condition; refs are those that the judge found at the end.
func (w *World) fact(h *host, c Condition) string {
	volume := volumePart(c.Volume)
	switch c.What {
	case "refs":
		if h.down.is() {
			return downFact
		}
		return fmt.Sprint(h.refs[volume+"@"+datastore])
	case "attached":
		if vm, ok := w.store.AttachedTo(datastore, volume); ok {
			return vm
		}
		return noVM
	default:
		m, ok := h.guest.At(mountRoot + "/" + volume + "@" + datastore)
		switch {
		case !ok:
			return noVM
		case m.ReadOnly:
			return readOnly
		}
		return readWrite
	}
}
