package configdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver

	"vmdkvol/esxsim"
)

// sharedFile is where a datastore has a shared database.
const sharedFile = "dockvols/vmdkops_config.db"

// Config says where databases can be.
type Config struct {
	Path       string            // absolute; where this host looks
	Datastores map[string]string // absolute directories by name: what a shared database can be on
	Busy       time.Duration     // how long to wait for a lock; 0: 5 s
}

// DB is a place where a database may be. It is safe for concurrent use, by several processes, too. Whoever made it closes it.
type DB struct {
	cfg  Config
	snap atomic.Pointer[snapshot] // nil: none

	mu      sync.Mutex // guards what follows, and replacing snap; nothing waits under it
	refresh *refresh   // that runs; nil: none
	closed  bool
}

var (
	_ esxsim.ConfigDB     = (*DB)(nil)
	_ esxsim.Configurable = (*DB)(nil)
)

// New checks the config; it opens nothing.
func New(c Config) (*DB, error) {
	if !filepath.IsAbs(c.Path) {
		return nil, fmt.Errorf("config database: %q is not an absolute path", c.Path)
	}
	if c.Busy == 0 {
		c.Busy = 5 * time.Second
	}
	return &DB{cfg: c}, nil
}

// failed makes the error that the service answers.
func (d *DB) failed(err error) error {
	if err == nil || errors.Is(err, esxsim.ErrQuota) || errors.Is(err, esxsim.ErrTaken) {
		return err
	}
	if _, done := errors.AsType[*esxsim.DBError](err); done {
		return err
	}
	return &esxsim.DBError{Path: d.cfg.Path, Err: err}
}

// connect opens a file that is a database, or with create may become one.
func (d *DB) connect(path string, create bool) (*sql.DB, error) {
	mode := "rw"
	if create {
		mode = "rwc"
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"mode": {mode}, "_txlock": {"immediate"},
		"_pragma": {"busy_timeout(" + strconv.FormatInt(d.cfg.Busy.Milliseconds(), 10) + ")", "foreign_keys(1)"},
	}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// within does one transaction on the database of this host; write says that it may change something.
func (d *DB) within(ctx context.Context, write bool, f func(tx *sql.Tx) error) error {
	if _, err := os.Stat(d.cfg.Path); err != nil { // follows the link
		return &esxsim.DBError{Path: d.cfg.Path}
	}
	db, err := d.connect(d.cfg.Path, false)
	if err != nil {
		return &esxsim.DBError{Path: d.cfg.Path}
	}
	defer db.Close()
	return d.failed(transact(ctx, db, write, f))
}

// beginner is a database or a connection to it.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

func transact(ctx context.Context, db beginner, write bool, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: !write})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing, and before there is another error
	var version string
	if err := tx.QueryRowContext(ctx, `SELECT major_ver || '.' || minor_ver FROM versions WHERE id = 0`).Scan(&version); err != nil {
		return err
	}
	if version != schemaVersion {
		return fmt.Errorf("version %s of the tables is none of ours, %s", version, schemaVersion)
	}
	if err := f(tx); err != nil {
		return err
	}
	if !write {
		return nil
	}
	return tx.Commit()
}

// Where implements esxsim.Configurable.
func (d *DB) Where() (mode esxsim.Mode, local, shared string) {
	info, err := os.Lstat(d.cfg.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return esxsim.NotConfigured, d.cfg.Path, ""
	}
	mode = esxsim.SingleNode
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		mode = esxsim.MultiNode
		if shared, err = os.Readlink(d.cfg.Path); err != nil {
			shared = ""
		}
	}
	if _, err := d.Configured(context.Background()); err != nil {
		mode = esxsim.BrokenLink
	}
	return mode, d.cfg.Path, shared
}

// Init implements esxsim.Configurable.
func (d *DB) Init(ctx context.Context, datastore string, force bool) error {
	if _, err := os.Lstat(d.cfg.Path); err == nil {
		return &esxsim.Refusal{Text: "Error: there is a configuration already, at " + d.cfg.Path + "; remove it first with 'config rm'"}
	}
	if err := os.MkdirAll(filepath.Dir(d.cfg.Path), 0o755); err != nil {
		return err
	}
	if datastore == "" {
		return d.create(ctx, d.cfg.Path)
	}
	dir := d.cfg.Datastores[datastore]
	if dir == "" {
		return &esxsim.Refusal{Text: "No such datastore: " + datastore}
	}
	for other, at := range d.cfg.Datastores {
		if _, err := os.Stat(filepath.Join(at, sharedFile)); err == nil && other != datastore && !force {
			return &esxsim.Refusal{Text: "Error: there is a configuration on datastore " + other + "; use that one, or --force"}
		}
	}
	shared := filepath.Join(dir, sharedFile)
	if err := os.MkdirAll(filepath.Dir(shared), 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(shared); errors.Is(err, fs.ErrNotExist) { // else it is another host's, too
		if err := d.create(ctx, shared); err != nil {
			return err
		}
	}
	return os.Symlink(shared, d.cfg.Path)
}

// create makes a database aside and puts it in its place, so that nobody sees half of one. Who was faster wins.
func (d *DB) create(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".config-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	temp := filepath.Join(dir, "db")
	db, err := d.connect(temp, true)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, schema)
	if err == nil {
		err = transact(ctx, db, true, func(tx *sql.Tx) error { return put(ctx, tx, esxsim.FirstRecord()) })
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return &esxsim.DBError{Path: path, Err: err}
	}
	if err := os.Chmod(temp, 0o600); err != nil {
		return err
	}
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Remove implements esxsim.Configurable.
func (d *DB) Remove(_ context.Context, backup bool) (path string, err error) {
	info, err := os.Lstat(d.cfg.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink != 0 || !backup: // what a link leads to is others', too
		return "", os.Remove(d.cfg.Path)
	}
	path = d.cfg.Path + ".bak_" + time.Now().UTC().Format("2006-01-02_15.04.05.000000000")
	return path, os.Rename(d.cfg.Path, path)
}

// urlOf is the datastore_url of a datastore's name.
func urlOf(datastore string) string {
	if datastore == esxsim.HomeDatastore || datastore == esxsim.AllDatastores {
		return datastore + "://"
	}
	return "ds:///vmfs/volumes/" + datastore + "/"
}

// nameOf is the inverse of urlOf.
func nameOf(at string) string {
	if name, special := strings.CutSuffix(at, "://"); special {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(at, "ds:///vmfs/volumes/"), "/")
}
