package guestsim

import (
	"context"

	"vmdkvol/seam"
)

// Torn is what Probe answers, and Media.Content, for a disk on which a mkfs did not finish.
const Torn = "unknown data"

// Media is what the disks of a world hold, by unique disk ID. A disk that was never written is blank.
//
// It also carries the lock of all guests that share it, see NewMedia.
type Media struct {
	mon   seam.Monitor // nil: one task at a time, see NewMedia
	disks map[string]*medium
	found []finding // reported by unlock

	room []*medium // all that were ever made; the first few are in disks
	used int
}

type finding struct {
	report         func(oracle, detail string)
	oracle, detail string
}

// medium is the content of one disk.
type medium struct {
	content string // "" blank, a file system's name, or Torn
	label   string
	files   map[string]string // what would survive a loss of power
	dirty   []page            // what would not
	mounts  []holder
	owner   *Guest // the guest into which the disk is plugged
	formats int
}

// holder is a guest that has the disk mounted.
type holder struct {
	guest    *Guest
	readOnly bool
}

// NewMedia returns media without content. A monitor of env guards them and the guests on them, for real goroutines.
// With a nil env nothing is locked: that is for worlds in which one task runs at a time and switches only inside the
// methods of seam, where no section of this package can be interrupted and a lock would only be one more yield.
func NewMedia(env seam.Env) *Media {
	m := &Media{}
	if env != nil {
		m.mon = env.NewMonitor("guest media")
	}
	return m
}

// Reset makes all disks blank. The guests that have used the media must be gone: an explorer, which makes one world after
// another, saves memory by it.
func (m *Media) Reset() {
	m.lock()
	defer m.unlock()
	clear(m.disks)
	m.used = 0
}

func (m *Media) lock() {
	if m.mon != nil {
		_ = m.mon.Lock(context.Background()) // cannot fail: this context is never done
	}
}

// unlock also reports what the section found, without the lock, so that the report may inspect the guest.
func (m *Media) unlock() {
	if m.mon == nil && m.found == nil {
		return
	}
	m.report()
}

func (m *Media) report() {
	found := m.found
	m.found = nil
	if m.mon != nil {
		m.mon.Unlock()
	}
	for _, f := range found {
		f.report(f.oracle, f.detail)
	}
}

// disk returns the content of a disk, which it creates blank.
func (m *Media) disk(id string) *medium {
	d := m.disks[id]
	if d == nil {
		if m.disks == nil {
			m.disks = make(map[string]*medium)
		}
		if m.used == len(m.room) {
			m.room = append(m.room, &medium{})
		}
		d = m.room[m.used]
		m.used++
		*d = medium{mounts: d.mounts[:0]}
		m.disks[id] = d
	}
	return d
}

// Content says what a disk holds: "" if blank, the name of a file system, or Torn. It does not yield.
func (m *Media) Content(diskID string) string {
	m.lock()
	defer m.unlock()
	if d := m.disks[diskID]; d != nil {
		return d.content
	}
	return ""
}

// Label returns the label of the file system on a disk, "" if there is none. It does not yield.
func (m *Media) Label(diskID string) string {
	m.lock()
	defer m.unlock()
	if d := m.disks[diskID]; d != nil {
		return d.label
	}
	return ""
}

// Formats counts the mkfs that finished on a disk. It does not yield.
func (m *Media) Formats(diskID string) int {
	m.lock()
	defer m.unlock()
	if d := m.disks[diskID]; d != nil {
		return d.formats
	}
	return 0
}

// File returns a file as the disk holds it, mounted or not: without what was written and not synced. It does not yield.
func (m *Media) File(diskID, file string) (data []byte, ok bool) {
	m.lock()
	defer m.unlock()
	if d := m.disks[diskID]; d != nil {
		s, ok := d.files[file]
		return []byte(s), ok
	}
	return nil, false
}

// Format puts an empty file system on a disk that nobody has plugged: how a world begins. It does not yield.
func (m *Media) Format(diskID, fstype, label string) {
	m.lock()
	defer m.unlock()
	d := m.disk(diskID)
	d.content, d.label = fstype, label
}

// Copy makes disk to hold what from holds now, as a clone of a VMDK does. It does not yield.
func (m *Media) Copy(from, to string) {
	m.lock()
	defer m.unlock()
	src, dst := m.disk(from), m.disk(to)
	dst.dirty = nil
	dst.content, dst.label = src.content, src.label
	dst.files = make(map[string]string, len(src.files))
	for name, data := range src.files {
		dst.files[name] = data
	}
}

// Scribble puts data that is no file system on a disk, for tests. It does not yield.
func (m *Media) Scribble(diskID string) {
	m.lock()
	defer m.unlock()
	m.disk(diskID).wipe()
}

func (d *medium) wipe() {
	d.content, d.label, d.files, d.dirty = Torn, "", nil, nil
}

func (d *medium) release(g *Guest, readOnly bool) {
	for i, h := range d.mounts {
		if h.guest == g && h.readOnly == readOnly {
			d.mounts = append(d.mounts[:i], d.mounts[i+1:]...)
			return
		}
	}
}
