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
