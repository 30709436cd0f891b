package configdb_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host/configdb"
)

// named is app with another name.
func named(name string) esxsim.Record {
	r := app
	r.Name = name
	return r
}

func nameNow(t *testing.T, db *configdb.DB) string {
	t.Helper()
	g, ok, err := db.GroupOf(t.Context(), "b1")
	require.NoError(t, err)
	require.True(t, ok)
	return g.Name
}

// TestChangesAreSeen: what another process has changed, the next question sees, however quickly they follow each other.
func TestChangesAreSeen(t *testing.T) {
	for _, mode := range []string{"delete", "wal"} {
		db, path := open(t)
		other, err := configdb.New(configdb.Config{Path: path})
		require.NoError(t, err)
		raw, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		defer raw.Close()
		_, err = raw.Exec("PRAGMA journal_mode=" + mode)
		require.NoError(t, err)
		for i := range 100 {
			name := "n" + strconv.Itoa(i)
			require.NoError(t, other.Put(t.Context(), named(name)))
			require.Equal(t, name, nameNow(t, db), mode)
		}
		require.NoError(t, db.Put(t.Context(), named("mine")))
		require.Equal(t, "mine", nameNow(t, db))
		require.Equal(t, "mine", nameNow(t, other))
		require.NoError(t, other.Close())
	}
}

// TestOtherFiles: a file in the place of the one that was read before, and none.
func TestOtherFiles(t *testing.T) {
	db, path := open(t)
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	copyTo := func(from, to string) {
		t.Helper()
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, text, 0o600))
	}
	copyTo(path, two)
	require.NoError(t, db.Put(t.Context(), named("aaa")))
	copyTo(path, one)
	second, err := configdb.New(configdb.Config{Path: two})
	require.NoError(t, err)
	require.NoError(t, second.Put(t.Context(), named("bbb"))) // as many changes, and the same size
	for range 5 {
		copyTo(two, path) // over it
		require.Equal(t, "bbb", nameNow(t, db))
		copyTo(one, path)
		require.Equal(t, "aaa", nameNow(t, db))
	}
	require.NoError(t, os.Rename(two, path))
	require.Equal(t, "bbb", nameNow(t, db))
	require.NoError(t, os.Remove(path))
	ok, err := db.Configured(t.Context())
	require.NoError(t, err)
	require.False(t, ok)
	_, _, err = db.GroupOf(t.Context(), "b1")
	require.ErrorContains(t, err, "DB connection error at "+path)
	require.NoError(t, os.Symlink(one, path))
	require.Equal(t, "aaa", nameNow(t, db))
	require.NoError(t, os.WriteFile(one, []byte("this is no database, and long enough"), 0o600))
	_, _, err = db.GroupOf(t.Context(), "b1")
	require.ErrorContains(t, err, "DB access error at "+path)
}

// TestLockedLater: a database that is locked after it was read refuses, and answers again.
func TestLockedLater(t *testing.T) {
	db, path := open(t)
	require.NoError(t, db.Put(t.Context(), app))
	quiet(t, db)
	raw, err := sql.Open("sqlite", "file:"+path+"?_txlock=exclusive")
	require.NoError(t, err)
	defer raw.Close()
	tx, err := raw.Begin()
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, _, err := db.GroupOf(t.Context(), "b1")
		return err != nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, tx.Rollback())
	require.Equal(t, "app", nameNow(t, db))
}

// TestQuietQuestions: a database that does not change is not opened for each question.
func TestQuietQuestions(t *testing.T) {
	db, _ := open(t)
	require.NoError(t, db.Put(t.Context(), app))
	quiet(t, db)
	require.False(t, configdb.Trusts(time.Now()), "a change in the same unit of time would not show")
	require.True(t, configdb.Trusts(time.Now().Add(-time.Second)))
}

// quiet waits until questions are cheap.
func quiet(t *testing.T, db *configdb.DB) {
	t.Helper()
	require.Eventually(t, func() bool {
		return testing.AllocsPerRun(100, func() {
			if _, ok, err := db.GroupOf(t.Context(), "b1"); err != nil || !ok {
				t.Error(ok, err)
			}
		}) < 10
	}, 10*time.Second, time.Millisecond)
}

// TestManyAtOnce: questions and changes at the same time, for the race detector, and the end of it.
func TestManyAtOnce(t *testing.T) {
	_, path := open(t)
	patient, err := configdb.New(configdb.Config{Path: path, Busy: time.Minute})
	require.NoError(t, err)
	require.NoError(t, patient.Put(t.Context(), app))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				if _, ok, err := patient.Group(t.Context(), "u-app"); err != nil || !ok {
					t.Error(ok, err)
				}
			}
		})
	}
	wait.Go(func() {
		for i := range 20 {
			if err := patient.Put(t.Context(), named("n"+strconv.Itoa(i))); err != nil {
				t.Error(err)
			}
		}
	})
	wait.Wait()
	for range 2 {
		require.NoError(t, patient.Close())
		require.Equal(t, "n19", nameNow(t, patient), "slowly")
	}
}

func BenchmarkGroupOf(b *testing.B) {
	db, err := configdb.New(configdb.Config{Path: filepath.Join(b.TempDir(), "auth-db")})
	require.NoError(b, err)
	require.NoError(b, db.Init(b.Context(), "", false))
	require.NoError(b, db.Put(b.Context(), app))
	for b.Loop() {
		if _, _, err := db.GroupOf(b.Context(), "b1"); err != nil {
			b.Fatal(err)
		}
	}
}
