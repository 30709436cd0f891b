package host

import (
	"os"

	"vmdkvol/esxsim"
)

// OpenStore opens the store alone.
func OpenStore(list ...Datastore) (s esxsim.Store, closeIt func(), err error) {
	st, err := openStore(list)
	if err != nil {
		return nil, nil, err
	}
	return st, st.close, nil
}

// Receiving reports whether somebody has the token of quirk one-receiver.
func (h *Host) Receiving() bool { return len(h.receiver) > 0 }

// Service returns the service behind the sockets, and the datastores below it.
func (h *Host) Service() (*esxsim.Service, esxsim.Store) { return h.esx, h.disks }

// NoSpace makes disks that are not thin take no space either.
func (h *Host) NoSpace() { h.store.allocate = func(*os.File, int64) error { return nil } }

// FileLocks returns which VM has which disk, by the locks of the files.
func (h *Host) FileLocks() map[esxsim.Volume]string {
	owners := map[esxsim.Volume]string{}
	for v, l := range h.store.locks {
		owners[v] = l.vm
	}
	return owners
}

// Claim says that somebody is at work on a file that is not complete.
func Claim(f *os.File) error { return claim(f) }
