package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vmdkvol/driver"
)

// OracleLate: nothing failed, and long after a volume was used last it is still mounted or attached (I3, I12). Only in
// worlds with recovery.
const OracleLate = "left-behind"

// recoveryPatience is within what time recovery finds out that nobody uses a volume, if nothing fails: the time that Docker
// may need to start a container, and some looks.
const recoveryPatience = 3 * time.Minute

// recoveryTask is the driver's background task, and closingTask the world's.
const (
	recoveryTask = "recovery"
	closingTask  = "closing"
)

// givenRecovery is how often the driver looks for what earlier lives left.
func (p *parser) givenRecovery(rest string) error {
	_, opts, err := named(append([]string{"-"}, strings.Fields(rest)...), "every")
	if err != nil {
		return err
	}
	every, err := time.ParseDuration(opts["every"])
	if err != nil || every < time.Second || every > maxPause {
		return errors.New("want given recovery every=DURATION, such as 5m")
	}
	p.s.Recovery = every
	p.row.text = recoveryText(every)
	return nil
}

func recoveryText(every time.Duration) string { return "given recovery every=" + pauseText(every) }

// recovery is what the driver of a host is given, nil in worlds without.
func (h *host) recovery() *driver.Recovery {
	every := h.w.t.script.Recovery
	if every == 0 {
		return nil
	}
	r := &driver.Recovery{Docker: dockerOf{h}, Machine: h.guest, Hints: &h.hints, Every: every}
	if h.life == 0 { // and there was nobody before it
		r.Began = h.plugin.Now().Add(-time.Hour)
	}
	return r
}

// close gives recovery the time that it needs and ends it. Each fault that a run has had may have made a pass be in vain, or
// was a timer that fired early and took that time away. What a search may spend does not matter: a replay must not differ.
func (w *World) close() {
	ctx := context.Background()
	_ = w.docker.Sleep(ctx, recoveryPatience) // cannot fail: the context never ends
	w.judge.late()
	for pass := 0; pass < 3+w.k.FaultsSpent(); pass++ {
		if pass >= 3 {
			_ = w.docker.Sleep(ctx, recoveryPatience)
		}
		_ = w.docker.Sleep(ctx, w.t.script.Recovery)
	}
	for _, h := range w.hosts {
		if !h.down.is() {
			h.within(func() { _ = h.driver.Close(ctx) }) // cannot fail: the context never ends
		}
	}
}

// late looks for what should have been let go by now.
//
//go:norace
func (j *judge) late() {
	if len(j.mishaps) > 0 || j.early() || len(j.w.esxs) > 1 {
		return
	}
	for _, h := range j.w.hosts {
		if h.down.is() || h.off.is() || h.frozen.is() {
			continue
		}
		for i := range j.subjects {
			if s := &j.subjects[i]; !s.uncertain && s.work == 0 && s.judged() {
				if why := j.leftBehind(h, s.name, i); why != "" {
					j.w.k.Fail(OracleLate, s.name+"@"+datastore+" "+why)
				}
			}
		}
	}
}

// leftBehind says what is there of a volume although no container of a host uses it, "" if nothing is.
//
//go:norace
func (j *judge) leftBehind(h *host, volume string, index int) string {
	if j.holds(h, index) > 0 {
		return ""
	}
	if _, mounted := h.guest.At(mountRoot + "/" + volume + "@" + datastore); mounted {
		return "is mounted in " + h.name + ", but no container uses it"
	}
	if vm, attached := j.w.store.AttachedTo(datastore, volume); attached && vm == h.name {
		return fmt.Sprintf("is attached to %s, but no container uses it", vm)
	}
	return ""
}

// recovered compares what a driver believes of a volume at the end, and what is there, with the containers that use it.
func (j *judge) recovered(h *host, volume string, refs int) string {
	i := j.w.t.index(volume)
	if i < 0 || j.subjects[i].uncertain {
		return ""
	}
	if held := j.holds(h, i); (held > 0) != (refs > 0) {
		return fmt.Sprintf("has %d references by what the driver believes, but %d containers use it", refs, held)
	}
	return j.leftBehind(h, volume, i)
}
