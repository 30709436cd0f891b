package configdb

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vmdkvol/esxsim"
)

const (
	// lookEvery is how long a snapshot answers before SQLite is asked whether the file can be read at all: another program may
	// have locked it.
	lookEvery = 5 * time.Millisecond
	// coarse is more than the unit of a file's times: in a file that was changed so lately, a second change may not show.
	coarse = 50 * time.Millisecond
	// settleTries bounds how often a file that changes while it is read is read again.
	settleTries = 3
)

// fileState is what stat(2) tells of a file. One that was changed, or is another one, has another state, but see coarse.
type fileState struct {
	device, inode uint64
	size          int64
	modified      unix.Timespec
	changed       unix.Timespec
}

func stateOf(path string) (fileState, error) {
	var st unix.Stat_t
	for {
		switch err := unix.Stat(path, &st); {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fileState{}, err
		}
		return fileState{uint64(st.Dev), st.Ino, st.Size, st.Mtim, st.Ctim}, nil //nolint:unconvert // an int32 on darwin
	}
}

// snapshot is what requests ask of a database, as it was when its file had that state. Only looked changes.
type snapshot struct {
	state      fileState
	db         *sql.DB // one connection, which keeps the inode from being used again; of whoever refreshes
	conn       *sql.Conn
	version    int64 // of the data, as this connection counts
	wal        bool  // changes are in another file
	looked     atomic.Int64
	groups     map[string]esxsim.Vmgroup      // by uuid
	members    map[string]string              // uuids by the VMs' BIOS uuids
	privileges map[[2]string]esxsim.Privilege // by uuid and datastore_url
}

func (s *snapshot) close() {
	_ = s.conn.Close() // nothing was written
	_ = s.db.Close()
}

// good reports whether the snapshot may answer for a file that has this state now.
func (s *snapshot) good(state fileState) bool {
	now := time.Now()
	return s != nil && s.state == state && !s.wal &&
		now.Sub(time.Unix(state.changed.Unix())) > coarse && now.UnixNano()-s.looked.Load() < int64(lookEvery)
}

func dataVersion(ctx context.Context, c *sql.Conn) (version int64, err error) {
	err = c.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version)
	return version, err
}

// load reads a new snapshot with a connection of its own: one that has the file open already may believe its memory instead
// of a file that somebody wrote over.
func (d *DB) load(ctx context.Context) (s *snapshot, err error) {
	db, err := d.connect(d.cfg.Path, false)
	if err != nil {
		return nil, &esxsim.DBError{Path: d.cfg.Path}
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s = &snapshot{
		db: db, conn: conn,
		groups: map[string]esxsim.Vmgroup{}, members: map[string]string{}, privileges: map[[2]string]esxsim.Privilege{},
	}
	if s.version, err = dataVersion(ctx, conn); err == nil {
		err = transact(ctx, conn, false, func(tx *sql.Tx) error { return s.fill(ctx, tx) })
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *snapshot) fill(ctx context.Context, tx *sql.Tx) error {
	var mode string
	if err := tx.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil {
		return err
	}
	s.wal = mode == "wal"
	err := each(ctx, tx, `SELECT `+groupColumns+` FROM tenants t`, func(row scanner) error {
		g, _, err := scanGroup(row)
		s.groups[g.UUID] = g
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, tx, `SELECT vm_id, tenant_id FROM vms`, func(row scanner) error {
		var vm, uuid string
		err := row.Scan(&vm, &uuid)
		s.members[vm] = uuid
		return err
	})
	if err != nil {
		return err
	}
	return each(ctx, tx, `SELECT tenant_id, datastore_url, allow_create, max_volume_size, usage_quota FROM privileges`, func(row scanner) error {
		var key [2]string
		var p esxsim.Privilege
		err := row.Scan(&key[0], &key[1], &p.Create, &p.MaxSize, &p.Quota)
		s.privileges[key] = p
		return err
	})
}
