package scenarios

import (
	"math"
	"time"
)

// The oracles of this package. Those of guestsim (mkfs on data, surprise removal and others) and of the explorer (panic,
// deadlock, livelock) watch as well. Each judges one life of a plugin: what a crash or a loss of power ends is not
// mourned, and what it leaves behind is not held against the next life. In worlds with recovery it is, once recovery had its time.
const (
	// OracleReply: a Mount was answered before its mountpoint was the disk, or with the wrong access mode (I4).
	OracleReply = "reply-before-mounted"
	// OracleHolder: a container holds a volume, and its mountpoint has stopped being the disk (I4). Containers of an
	// earlier life are watched until the next one begins.
	OracleHolder = "bare-directory"
	// OracleKept: an Unmount that took the last reference was answered with ok, and the volume is still mounted or attached (I2,
	// I3). Docker would not hear that it is not let go yet.
	OracleKept = "unmounted-in-words"
	// OracleBytes: what a container wrote and synced, or wrote before a clean Unmount, is not there any more, or is
	// something that nobody wrote (I5, I6).
	OracleBytes = "bytes-lost"
	// OracleBare: a Create was answered, and the volume is not there or has not the file system that was asked for (I5).
	OracleBare = "created-bare"
	// OracleRemove: ESX is asked to remove a volume that a container of this host holds (I6).
	OracleRemove = "remove-of-held"
	// OracleGet: what Get says of a volume on which nobody works is not how it is (I8).
	OracleGet = "get-lies"
	// OracleSlow: a request waited for long, and nothing that happened to its own volume can be the reason, or for longer than
	// Docker waits at all (I10).
	OracleSlow = "slow-answer"
	// OracleQuiet: nobody works on a volume, and references, mounts and attachments disagree (I2, I3, I8).
	OracleQuiet = "state-when-quiet"
	// OracleModel: no order of the operations of one life explains their answers (I9).
	OracleModel = "not-linearizable"
	// OracleGone: a Mount succeeded whose caller had gone; nobody will ever unmount it (I4).
	OracleGone = "mounted-for-nobody"
	// OracleAgree: the two judges of histories disagree, so one of them is wrong; see package opinion.
	OracleAgree = "oracles-disagree"
	// OracleEnd: when all is done, references, mounts and attachments disagree (I1, I2, I3).
	OracleEnd = "state-at-end"
	// OracleQuota: when all is done, the volumes of a vmgroup are larger together than its quota, and nobody has changed
	// quotas (I11).
	OracleQuota = "over-quota"
	// OraclePending: when all is done, something is still in flight or locked (I10).
	OraclePending = "pending-at-end"
)

// judge watches one run. What clients tell it carries go:norace: they do so without any lock, taking turns, and the race
// detector is to judge the driver, not the judge.
type judge struct {
	w           *World
	time        int64
	troubled    int64  // when the first life ended; 0: none has
	renamed     bool   // a VM has got another name
	replaced    bool   // a process of the service has taken over from another one
	backgrounds bool   // a driver has started a task of its own
	room        []Call // for calls to come
	calls       []*Call
	holders     []holder // of which it is certain
	subjects    []subject
	due         int    // subjects that are due
	seen        uint64 // versions of all guests together, at the last look at holders
	stale       bool   // since then a guest has changed, or subjects are due
	mishaps     []mishap
	tampers     int      // of the mishaps, those that are no fault
	wrong       []string // checks that failed
}

// subject is what the judge knows of one volume.
type subject struct {
	name      string // its volume part
	running   int    // calls
	work      int    // tasks of drivers
	removing  int    // calls
	due       bool   // something was done since it was last looked at
	uncertain bool   // there may be a reference that no container in holders has
	bytes     bytes
	asked     asked
}

// tick is the next logical time.
//
//go:norace
func (j *judge) tick() int64 {
	j.time++
	return j.time
}

// trouble notes that from now on, an operation has an excuse to fail.
//
//go:norace
func (j *judge) trouble() {
	if j.troubled == 0 {
		j.troubled = j.tick()
	}
}

// hearsRename notes that a VM gets another name.
//
//go:norace
func (j *judge) hearsRename() { j.renamed = true }

// subject is what a call is about, nil if that is no volume.
//
//go:norace
func (j *judge) subject(c *Call) *subject {
	if c.volume < 0 {
		return nil
	}
	return &j.subjects[c.volume]
}

//
//go:norace
func (j *judge) invoke(h *host, client string, l *line) *Call {
	c := &j.room[0] // made for all operations of the script
	j.room = j.room[1:]
	*c = Call{} // and then field by field: a struct that is copied makes the processor wait
	c.Client, c.Op, c.host, c.life, c.volume, c.line = client, l.op, h, h.life, l.volume, l.number
	c.invoked, c.returned, c.began = j.tick(), math.MaxInt64, j.w.docker.Now()
	j.calls = append(j.calls, c)
	j.w.t.called = j.calls
	j.w.k.Call(l.text)
	if j.w.k.Collects() {
		j.sawCall(c)
	}
	s := j.subject(c)
	if s != nil {
		s.running++
	}
	switch l.op.Verb {
	case "create":
		d, _ := j.w.disk(s.name)
		c.disk = d.ID
	case "unmount":
		j.forget(c)
	case "remove":
		s.removing++
	}
	return c
}

//
//go:norace
func (j *judge) answer(c *Call, l *line, answer string, err error) {
	c.returned, c.Answer = j.tick(), answer
	if c.kind == "" {
		c.kind = answer
	}
	if j.w.k.Collects() {
		j.sawAnswer(c, err)
	}
	switch {
	case err != nil:
		j.w.k.Return(l.text + arrow + answer + ": " + err.Error())
	case answer == okAnswer:
		j.w.k.Return(l.ok)
	default:
		j.w.k.Return(l.text + arrow + answer)
	}
	s := j.subject(c)
	if s == nil {
		if c.Op.Verb == "list" {
			j.prompt(c)
		}
		return
	}
	s.running--
	switch c.Op.Verb {
	case "create":
		j.created(c, s)
	case "remove":
		s.removing--
		j.removed(c, s)
	case "mount":
		j.mounted(c, s)
	case "unmount":
		j.letGo(c, s)
		j.unmounted(c, s)
	case "get":
		j.described(c, s)
	case "path":
		j.at(c)
	default:
		return
	}
	j.prompt(c)
	j.touch(s)
	j.quiet() // its client may go on at once
}

// touch has a volume looked at as soon as nobody works on it.
//
//go:norace
func (j *judge) touch(s *subject) {
	if !s.due {
		s.due = true
		j.due++
		j.stale = true
	}
}

// patience is the longest that a request may take, in virtual time, without a reason of its own: more than the pauses
// between attempts add up to when nothing fails, and less than any deadline.
const patience = 10 * time.Second

// How long Docker waits for an answer (moby volume/drivers/proxy.go, longTimeout and shortTimeout). Nothing excuses one that is
// later: what the driver cannot do until then it has to say.
const (
	dockerWaits      = 2 * time.Minute
	dockerWaitsToGet = time.Minute // for Get, List and Path
)

// prompt objects to an answer that came late. A Get has no reason but a fault of its own; other requests wait for each
// other on one volume.
//
//go:norace
func (j *judge) prompt(c *Call) {
	now := j.w.docker.Now()
	if now == c.began { // of one clock, and most often no time has passed
		return
	}
	took := now.Sub(c.began)
	if took <= patience || len(j.w.t.script.Latency) > 0 || c.kind == droppedAnswer {
		return
	}
	waits := dockerWaits
	switch c.Op.Verb {
	case "get", "list", "path":
		waits = dockerWaitsToGet
	}
	if took > waits && !j.early() { // else the time is that of a timer which did not wait for it
		j.w.k.Fail(OracleSlow, c.Client+" "+c.Op.String()+arrow+c.Answer+" took "+took.String()+", and Docker waits for "+waits.String())
	}
	if j.excused(c) && (c.Op.Verb != "get" || j.excusedGet(c)) || j.rivalled(c) {
		return
	}
	j.w.k.Fail(OracleSlow, c.Client+" "+c.Op.String()+arrow+c.Answer+" took "+took.String()+", and nothing that happened to it can be the reason")
}
