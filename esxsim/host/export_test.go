package host

import "vmdkvol/esxsim"

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

// Idle reports whether nobody holds or waits for a lock of the service.
func (h *Host) Idle() bool { return h.esx.Idle() }
