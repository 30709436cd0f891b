package configdb

import (
	"context"
	"database/sql"
	"errors"

	"vmdkvol/esxsim"
)

// schemaVersion is the original's last (docs/original.md §2.12).
const schemaVersion = "1.2"

// schema has the tables of docs/original.md §2.12; sizes are in MB.
const schema = `
CREATE TABLE tenants (
	id TEXT PRIMARY KEY NOT NULL,
	name TEXT UNIQUE NOT NULL,
	description TEXT,
	default_datastore_url TEXT
);
CREATE TABLE vms (
	vm_id TEXT PRIMARY KEY NOT NULL,
	tenant_id TEXT NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
	vm_name TEXT
);
CREATE TABLE privileges (
	tenant_id TEXT NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
	datastore_url TEXT NOT NULL,
	allow_create INTEGER,
	max_volume_size INTEGER,
	usage_quota INTEGER,
	PRIMARY KEY (tenant_id, datastore_url)
);
CREATE TABLE volumes (
	tenant_id TEXT NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
	datastore_url TEXT NOT NULL,
	volume_name TEXT NOT NULL,
	volume_size INTEGER,
	PRIMARY KEY (tenant_id, datastore_url, volume_name)
);
CREATE TABLE versions (id INTEGER PRIMARY KEY NOT NULL, major_ver INTEGER NOT NULL, minor_ver INTEGER NOT NULL);
INSERT INTO versions VALUES (0, 1, 2);
`

const groupColumns = `t.id, t.name, coalesce(t.description, ''), coalesce(t.default_datastore_url, '')`

type scanner interface{ Scan(into ...any) error }

func scanGroup(row scanner) (g esxsim.Vmgroup, ok bool, err error) {
	err = row.Scan(&g.UUID, &g.Name, &g.Description, &g.DefaultDatastore)
	if g.DefaultDatastore != "" {
		g.DefaultDatastore = nameOf(g.DefaultDatastore)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return g, false, nil
	}
	return g, err == nil, err
}

func used(ctx context.Context, tx *sql.Tx, uuid, datastore, but string) (mb int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT coalesce(sum(volume_size), 0) FROM volumes
		WHERE tenant_id = ? AND datastore_url = ? AND volume_name <> ?`, uuid, urlOf(datastore), but).Scan(&mb)
	return mb, err
}

// Used implements esxsim.Authority.
func (d *DB) Used(ctx context.Context, uuid, datastore string) (mb int64, err error) {
	err = d.within(ctx, false, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT coalesce(sum(volume_size), 0) FROM volumes
			WHERE tenant_id = ? AND datastore_url = ?`, uuid, urlOf(datastore)).Scan(&mb)
	})
	return mb, err
}

// Charge implements esxsim.Authority.
func (d *DB) Charge(ctx context.Context, v esxsim.Volume, size, limit int64) error {
	return d.within(ctx, true, func(tx *sql.Tx) error {
		if limit != 0 {
			mb, err := used(ctx, tx, v.Vmgroup, v.Datastore, v.Name)
			if err != nil {
				return err
			}
			if mb+size > limit {
				return esxsim.ErrQuota
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, ?)`, v.Vmgroup, urlOf(v.Datastore), v.Name, size)
		return err
	})
}

// Discharge implements esxsim.Authority.
func (d *DB) Discharge(ctx context.Context, v esxsim.Volume) error {
	return d.within(ctx, true, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM volumes WHERE tenant_id = ? AND datastore_url = ? AND volume_name = ?`,
			v.Vmgroup, urlOf(v.Datastore), v.Name)
		return err
	})
}

// Records implements esxsim.ConfigDB.
func (d *DB) Records(ctx context.Context) (list []esxsim.Record, err error) {
	err = d.within(ctx, false, func(tx *sql.Tx) error {
		at := map[string]int{}
		err := each(ctx, tx, `SELECT `+groupColumns+` FROM tenants t ORDER BY t.name`, func(row scanner) error {
			g, _, err := scanGroup(row)
			at[g.UUID] = len(list)
			list = append(list, esxsim.Record{Vmgroup: g})
			return err
		})
		if err != nil {
			return err
		}
		err = each(ctx, tx, `SELECT tenant_id, vm_id, coalesce(vm_name, '') FROM vms ORDER BY vm_name, vm_id`, func(row scanner) error {
			var uuid string
			var m esxsim.Member
			err := row.Scan(&uuid, &m.BIOSUUID, &m.Name)
			r := &list[at[uuid]]
			r.VMs = append(r.VMs, m)
			return err
		})
		if err != nil {
			return err
		}
		return each(ctx, tx, `SELECT tenant_id, datastore_url, allow_create, max_volume_size, usage_quota FROM privileges`, func(row scanner) error {
			var uuid, url string
			var p esxsim.Privilege
			err := row.Scan(&uuid, &url, &p.Create, &p.MaxSize, &p.Quota)
			p.Datastore = nameOf(url)
			r := &list[at[uuid]]
			r.Access = append(r.Access, p)
			return err
		})
	})
	for i := range list {
		list[i] = list[i].Sorted()
	}
	return list, err
}

// each calls f for every row of a query.
func each(ctx context.Context, tx *sql.Tx, query string, f func(row scanner) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Put implements esxsim.ConfigDB.
func (d *DB) Put(ctx context.Context, r esxsim.Record) error {
	return d.within(ctx, true, func(tx *sql.Tx) error { return put(ctx, tx, r) })
}

func put(ctx context.Context, tx *sql.Tx, r esxsim.Record) error {
	var others int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM tenants WHERE name = ? AND id <> ?`, r.Name, r.UUID).Scan(&others); err != nil {
		return err
	}
	for _, m := range r.VMs {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM vms WHERE vm_id = ? AND tenant_id <> ?`, m.BIOSUUID, r.UUID).Scan(&n); err != nil {
			return err
		}
		others += n
	}
	if others > 0 {
		return esxsim.ErrTaken
	}
	byDefault := ""
	if r.DefaultDatastore != "" {
		byDefault = urlOf(r.DefaultDatastore)
	}
	type statement struct {
		text string
		args []any
	}
	todo := []statement{
		{`INSERT INTO tenants VALUES (?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET name = excluded.name,
			description = excluded.description, default_datastore_url = excluded.default_datastore_url`, []any{r.UUID, r.Name, r.Description, byDefault}},
		{`DELETE FROM vms WHERE tenant_id = ?`, []any{r.UUID}},
		{`DELETE FROM privileges WHERE tenant_id = ?`, []any{r.UUID}},
	}
	for _, m := range r.VMs {
		todo = append(todo, statement{`INSERT INTO vms VALUES (?, ?, ?)`, []any{m.BIOSUUID, r.UUID, m.Name}})
	}
	for _, p := range r.Access {
		todo = append(todo, statement{`INSERT INTO privileges VALUES (?, ?, ?, ?, ?)`, []any{r.UUID, urlOf(p.Datastore), p.Create, p.MaxSize, p.Quota}})
	}
	for _, s := range todo {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// Drop implements esxsim.ConfigDB.
func (d *DB) Drop(ctx context.Context, uuid string) error {
	return d.within(ctx, true, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM tenants WHERE id = ?`, uuid)
		return err
	})
}
