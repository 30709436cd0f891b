package configdb

import (
	"context"
	"time"

	"vmdkvol/esxsim"
)

// read returns a snapshot that is as new as the question.
func (d *DB) read(ctx context.Context) (*snapshot, error) {
	state, err := stateOf(d.cfg.Path)
	if err != nil {
		return nil, &esxsim.DBError{Path: d.cfg.Path}
	}
	if s := d.snap.Load(); s.good(state) {
		return s, nil
	}
	for {
		d.mu.Lock()
		r, leads := d.refresh, false
		if r == nil {
			r, leads = &refresh{done: make(chan struct{})}, true
			d.refresh = r
		}
		d.mu.Unlock()
		if leads {
			r.snap, r.err = d.renew(context.WithoutCancel(ctx))
			d.mu.Lock()
			d.refresh = nil
			d.mu.Unlock()
			close(r.done)
			return r.snap, d.failed(r.err)
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return nil, d.failed(context.Cause(ctx))
		}
		if r.err != nil {
			return nil, d.failed(r.err)
		}
		// It may have been read before the question came.
		if state, err = stateOf(d.cfg.Path); err == nil && r.snap.good(state) {
			return r.snap, nil
		}
	}
}

// refresh is one look at the database, which others wait for.
type refresh struct {
	done chan struct{}
	snap *snapshot // after done
	err  error
}

// renew looks whether the snapshot is as the database, and else makes a new one. One runs at a time.
func (d *DB) renew(ctx context.Context) (*snapshot, error) {
	old := d.snap.Load()
	for try := 0; ; try++ {
		before, err := stateOf(d.cfg.Path)
		if err != nil {
			d.replace(nil)
			return nil, &esxsim.DBError{Path: d.cfg.Path}
		}
		if old != nil && old.state == before && try == 0 {
			version, err := dataVersion(ctx, old.conn)
			switch {
			case err != nil: // it is locked
				d.replace(nil)
				return nil, err
			case version == old.version:
				old.looked.Store(time.Now().UnixNano())
				return old, nil
			}
		}
		s, err := d.load(ctx)
		if err != nil {
			d.replace(nil)
			return nil, err
		}
		after, err := stateOf(d.cfg.Path)
		s.state = after
		s.looked.Store(time.Now().UnixNano())
		if err == nil && before == after || try == settleTries {
			d.replace(s)
			return s, nil
		}
		s.close()
	}
}

// replace keeps a snapshot in the place of another one. Who still reads that has what it needs in memory.
func (d *DB) replace(s *snapshot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.snap.Load()
	if d.closed && s != nil { // it answers once
		s.close()
		s = nil
	}
	d.snap.Store(s)
	if old != nil && old != s {
		old.close()
	}
}

// Close gives free what makes answers fast. The database can still be asked, slowly.
func (d *DB) Close() error {
	d.mu.Lock()
	d.closed = true
	r := d.refresh
	d.mu.Unlock()
	if r != nil {
		<-r.done
	}
	d.replace(nil)
	return nil
}
