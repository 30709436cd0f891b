package configdb_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host/configdb"
	"vmdkvol/seam"
)

// open makes a database of this host alone.
func open(t *testing.T) (*configdb.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "auth-db")
	db, err := configdb.New(configdb.Config{Path: path, Busy: 50 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Init(t.Context(), "", false))
	return db, path
}

// TestConforms: the database in memory and the one in a file answer alike.
func TestConforms(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) esxsim.ConfigDB{
		"memory": func(*testing.T) esxsim.ConfigDB { return esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode) },
		"sqlite": func(t *testing.T) esxsim.ConfigDB { db, _ := open(t); return db },
	} {
		for _, c := range cases {
			t.Run(name+"/"+c.name, func(t *testing.T) { c.run(t, open(t)) })
		}
	}
}

var app = esxsim.Record{
	Vmgroup: esxsim.Vmgroup{UUID: "u-app", Name: "app", Description: "its 'own'", DefaultDatastore: "ds1"},
	VMs:     []esxsim.Member{{BIOSUUID: "b1", Name: "vm1"}, {BIOSUUID: "b2", Name: "vm2"}},
	Access: []esxsim.Privilege{
		{Datastore: esxsim.AllDatastores, Create: true},
		{Datastore: esxsim.HomeDatastore, MaxSize: 5},
		{Datastore: "ds1", Create: true, MaxSize: 100, Quota: 200},
	},
}

// cases are what a config database has to do, each with a new one.
var cases = []struct {
	name string
	run  func(t *testing.T, db esxsim.ConfigDB)
}{
	{"new", func(t *testing.T, db esxsim.ConfigDB) {
		ok, err := db.Configured(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		all, err := db.Records(t.Context())
		require.NoError(t, err)
		require.Equal(t, []esxsim.Record{esxsim.FirstRecord()}, all)
		g, ok, err := db.GroupOf(t.Context(), "anybody")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, esxsim.FirstRecord().Vmgroup, g)
	}},
	{"groups", func(t *testing.T, db esxsim.ConfigDB) {
		require.NoError(t, db.Put(t.Context(), app))
		all, err := db.Records(t.Context())
		require.NoError(t, err)
		require.Equal(t, []esxsim.Record{esxsim.FirstRecord(), app}, all)
		g, ok, err := db.GroupOf(t.Context(), "b2")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, app.Vmgroup, g)
		for _, p := range app.Access {
			got, ok, err := db.Privilege(t.Context(), "u-app", p.Datastore)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, p, got)
		}
		got, ok, err := db.Privilege(t.Context(), "u-app", "ds2")
		require.NoError(t, err)
		require.False(t, ok)
		require.Zero(t, got)
	}},
	{"replace", func(t *testing.T, db esxsim.ConfigDB) {
		require.NoError(t, db.Put(t.Context(), app))
		v := esxsim.Volume{Datastore: "ds1", Vmgroup: "u-app", Name: "v"}
		require.NoError(t, db.Charge(t.Context(), v, 7, 0))
		less := app
		less.Name, less.DefaultDatastore, less.VMs, less.Access = "web", esxsim.HomeDatastore, app.VMs[:1], app.Access[:1]
		require.NoError(t, db.Put(t.Context(), less))
		all, err := db.Records(t.Context())
		require.NoError(t, err)
		require.Equal(t, less, all[1])
		g, _, err := db.GroupOf(t.Context(), "b2")
		require.NoError(t, err)
		require.Equal(t, "_DEFAULT", g.Name)
		mb, err := db.Used(t.Context(), "u-app", "ds1")
		require.NoError(t, err)
		require.EqualValues(t, 7, mb, "what is charged stays")
	}},
	{"taken", func(t *testing.T, db esxsim.ConfigDB) {
		require.NoError(t, db.Put(t.Context(), app))
		other := esxsim.Record{Vmgroup: esxsim.Vmgroup{UUID: "u-other", Name: "app"}}
		require.ErrorIs(t, db.Put(t.Context(), other), esxsim.ErrTaken)
		other.Name, other.VMs = "other", []esxsim.Member{{BIOSUUID: "b2", Name: "vm2"}}
		require.ErrorIs(t, db.Put(t.Context(), other), esxsim.ErrTaken)
		all, err := db.Records(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
	}},
	{"drop", func(t *testing.T, db esxsim.ConfigDB) {
		require.NoError(t, db.Put(t.Context(), app))
		v := esxsim.Volume{Datastore: "ds1", Vmgroup: "u-app", Name: "v"}
		require.NoError(t, db.Charge(t.Context(), v, 7, 0))
		for range 2 {
			require.NoError(t, db.Drop(t.Context(), "u-app"))
		}
		_, ok, err := db.Group(t.Context(), "u-app")
		require.NoError(t, err)
		require.False(t, ok)
		var failed *esxsim.DBError
		require.ErrorAs(t, db.Charge(t.Context(), v, 7, 0), &failed)
		require.NoError(t, db.Put(t.Context(), app))
		mb, err := db.Used(t.Context(), "u-app", "ds1")
		require.NoError(t, err)
		require.Zero(t, mb)
		require.NoError(t, db.Drop(t.Context(), esxsim.DefaultVmgroupUUID))
		_, ok, err = db.GroupOf(t.Context(), "b9")
		require.NoError(t, err)
		require.False(t, ok)
	}},
	{"quota", func(t *testing.T, db esxsim.ConfigDB) {
		require.NoError(t, db.Put(t.Context(), app))
		v := func(ds, name string) esxsim.Volume { return esxsim.Volume{Datastore: ds, Vmgroup: "u-app", Name: name} }
		require.NoError(t, db.Charge(t.Context(), v("ds1", "a"), 60, 100))
		require.ErrorIs(t, db.Charge(t.Context(), v("ds1", "b"), 60, 100), esxsim.ErrQuota)
		require.NoError(t, db.Charge(t.Context(), v("ds1", "a"), 100, 100), "in the place of its own")
		require.ErrorIs(t, db.Charge(t.Context(), v("ds1", "a"), 101, 100), esxsim.ErrQuota)
		require.NoError(t, db.Charge(t.Context(), v("ds1", "b"), 60, 0))
		require.NoError(t, db.Charge(t.Context(), v("DS1", "b"), 60, 100))
		mb, err := db.Used(t.Context(), "u-app", "ds1")
		require.NoError(t, err)
		require.EqualValues(t, 160, mb)
		for range 2 {
			require.NoError(t, db.Discharge(t.Context(), v("ds1", "a")))
		}
		mb, err = db.Used(t.Context(), "u-app", "ds1")
		require.NoError(t, err)
		require.EqualValues(t, 60, mb)
	}},
	{"charges at once", func(t *testing.T, db esxsim.ConfigDB) {
		require.NoError(t, db.Put(t.Context(), app))
		var wait sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for i := range 4 {
			wait.Go(func() {
				err := db.Charge(t.Context(), esxsim.Volume{Datastore: "ds1", Vmgroup: "u-app", Name: string(rune('a' + i))}, 60, 100)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				}
			})
		}
		wait.Wait()
		require.Equal(t, 1, made)
	}},
}

// TestTables: another program finds the original's tables.
func TestTables(t *testing.T) {
	db, path := open(t)
	require.NoError(t, db.Put(t.Context(), app))
	require.NoError(t, db.Charge(t.Context(), esxsim.Volume{Datastore: "ds1", Vmgroup: "u-app", Name: "v"}, 7, 0))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer raw.Close()
	for query, want := range map[string]string{
		`SELECT default_datastore_url FROM tenants WHERE name = '_DEFAULT'`:                                       "_VM_DS://",
		`SELECT group_concat(name, ',') FROM (SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name)`: "privileges,tenants,versions,vms,volumes",
		`SELECT vm_name FROM vms WHERE vm_id = 'b1' AND tenant_id = 'u-app'`:                                      "vm1",
		`SELECT usage_quota FROM privileges WHERE datastore_url = 'ds:///vmfs/volumes/ds1/'`:                      "200",
		`SELECT volume_name || volume_size FROM volumes`:                                                          "v7",
	} {
		var got string
		require.NoError(t, raw.QueryRow(query).Scan(&got), query)
		require.Equal(t, want, got, query)
	}
}

// TestBroken: what is no database of ours, and a link that leads nowhere, refuse every request.
func TestBroken(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"dangling": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(path+".gone", path)
		},
		"text": func(path string) error {
			return os.WriteFile(path, []byte("this is no database, and long enough"), 0o600)
		},
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"directory": func(path string) error { _ = os.Remove(path); return os.Mkdir(path, 0o700) },
		"version": func(path string) error {
			raw, err := sql.Open("sqlite", path)
			if err == nil {
				defer raw.Close()
				_, err = raw.Exec(`UPDATE versions SET minor_ver = 9`)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, path := open(t)
			require.NoError(t, spoil(path))
			mode, local, _ := db.Where()
			require.Equal(t, esxsim.BrokenLink, mode)
			require.Equal(t, path, local)
			_, err := db.Configured(t.Context())
			var failed *esxsim.DBError
			require.ErrorAs(t, err, &failed)
			if name == "dangling" {
				require.Equal(t, "DB connection error at "+path, err.Error())
			} else {
				require.Contains(t, err.Error(), "DB access error at "+path+": ")
			}
			_, _, err = db.GroupOf(t.Context(), "b1")
			require.ErrorAs(t, err, &failed)
		})
	}
}

// TestLocked: who finds the database locked waits, then fails; readers of a database that is not being written do not.
func TestLocked(t *testing.T) {
	db, path := open(t)
	raw, err := sql.Open("sqlite", "file:"+path+"?_txlock=exclusive")
	require.NoError(t, err)
	defer raw.Close()
	tx, err := raw.Begin()
	require.NoError(t, err)
	_, _, err = db.GroupOf(t.Context(), "b1")
	var failed *esxsim.DBError
	require.ErrorAs(t, err, &failed)
	require.Contains(t, err.Error(), "locked")
	require.ErrorAs(t, db.Put(t.Context(), app), &failed)

	patient, err := configdb.New(configdb.Config{Path: path, Busy: time.Minute})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- patient.Put(t.Context(), app) }()
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-done)
}

// TestLife: init, the shared database of two hosts, and its end.
func TestLife(t *testing.T) {
	dir := t.TempDir()
	stores := map[string]string{"ds1": filepath.Join(dir, "ds1"), "ds2": filepath.Join(dir, "ds2")}
	host := func(name string) *configdb.DB {
		db, err := configdb.New(configdb.Config{Path: filepath.Join(dir, name, "auth-db"), Datastores: stores})
		require.NoError(t, err)
		return db
	}
	one, two := host("esx1"), host("esx2")
	ok, err := one.Configured(t.Context())
	require.NoError(t, err)
	require.False(t, ok)
	mode, _, _ := one.Where()
	require.Equal(t, esxsim.NotConfigured, mode)

	require.NoError(t, one.Init(t.Context(), "ds1", false))
	require.ErrorContains(t, one.Init(t.Context(), "", false), "already")
	require.ErrorContains(t, two.Init(t.Context(), "ds2", false), "on datastore ds1")
	require.NoError(t, two.Init(t.Context(), "ds1", false))
	require.NoError(t, one.Put(t.Context(), app))
	g, _, err := two.GroupOf(t.Context(), "b1")
	require.NoError(t, err)
	require.Equal(t, "app", g.Name)
	mode, _, shared := two.Where()
	require.Equal(t, esxsim.MultiNode, mode)
	require.Equal(t, filepath.Join(stores["ds1"], "dockvols/vmdkops_config.db"), shared)

	path, err := one.Remove(t.Context(), true)
	require.NoError(t, err)
	require.Empty(t, path)
	require.FileExists(t, shared)
	require.NoError(t, one.Init(t.Context(), "", false))
	path, err = one.Remove(t.Context(), true)
	require.NoError(t, err)
	require.FileExists(t, path)
	mode, _, _ = one.Where()
	require.Equal(t, esxsim.NotConfigured, mode)
	_, err = configdb.New(configdb.Config{Path: "relative"})
	require.Error(t, err)
}
