// Package configdb keeps the config database of simulated ESX hosts in SQLite files (docs/original.md §2.12): vmgroups
// with their VMs, privileges, and the volumes that are charged to them.
//
// A host looks for its database at one path. Nothing there: the host is not configured. A file: the database is the
// host's own. A symlink: it leads to one on a datastore, which several hosts share. A link that leads nowhere, and what is
// no database: every request is refused.
//
// Invariants:
//
//   - Every method opens the file, does one transaction and closes it, as the original did for each of its threads: so a
//     database that is moved away, replaced or repaired is noticed by the next request.
//   - Who finds it locked waits for [Config.Busy], then gets an error.
//   - Every error is an [esxsim.DBError], but for [esxsim.ErrQuota], [esxsim.ErrTaken] and refusals of Init and Remove.
//
// # Example
//
//	db, err := configdb.New(configdb.Config{Path: "/srv/esx1/auth-db", Datastores: map[string]string{"ds1": "/srv/ds1"}})
//	err = db.Init(ctx, "", false)
//	group, ok, err := db.GroupOf(ctx, "vm1")
package configdb
