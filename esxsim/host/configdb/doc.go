// Package configdb keeps the config database of simulated ESX hosts in SQLite files (docs/original.md §2.12): vmgroups
// with their VMs, privileges, and the volumes that are charged to them.
//
// A host looks for its database at one path. Nothing there: the host is not configured. A file: the database is the
// host's own. A symlink: it leads to one on a datastore, which several hosts share. A link that leads nowhere, and what is
// no database: every request is refused.
//
// Invariants:
//
//   - What requests ask is answered as of one transaction on the file that is there when they ask: one that is changed, moved
//     away, replaced, written over or repaired is noticed by the next question. That costs a stat(2) for each; the rest comes
//     from memory, until the file changes. Files whose times are coarse are asked themselves for a while after a change, those
//     in WAL mode always. All other methods open the file, do one transaction and close it, as the original did.
//   - A database that somebody has locked refuses questions, at the latest 5 ms after it was.
//   - Who finds it locked waits for [Config.Busy], then gets an error.
//   - Every error is an [esxsim.DBError], but for [esxsim.ErrQuota], [esxsim.ErrTaken] and refusals of Init and Remove.
//
// # Example
//
//	db, err := configdb.New(configdb.Config{Path: "/srv/esx1/auth-db", Datastores: map[string]string{"ds1": "/srv/ds1"}})
//	defer db.Close()
//	err = db.Init(ctx, "", false)
//	group, ok, err := db.GroupOf(ctx, "vm1")
package configdb
