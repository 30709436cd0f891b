package esxsim_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

// TestByHand: the host's own hand asks nobody's privileges, and says what it cannot do.
func TestByHand(t *testing.T) {
	h := newTenants(t)
	h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm2")
	h.want(null, "vm1", "create", "v", "")
	h.want(null, "vm2", "create", "v", "")
	theirs := esxsim.Volume{Datastore: "ds1", Vmgroup: "uuid-1", Name: "v"}
	h.db.SetMode(esxsim.BrokenLink)

	p, err := h.PutIn(t.Context(), "vm1", theirs)
	require.NoError(t, err)
	require.Equal(t, theirs, p.Disk.Volume)
	require.Equal(t, []esxsim.Plugged{p}, h.Plugged("vm1"))
	_, err = h.PutIn(t.Context(), "vm1", theirs)
	require.ErrorContains(t, err, "put v into vm1: it is there")
	_, err = h.PutIn(t.Context(), "vm2", theirs)
	require.ErrorContains(t, err, "Failed to lock the file")
	_, err = h.PutIn(t.Context(), "vm9", theirs)
	require.ErrorContains(t, err, "no such vm")

	h.db.SetMode(esxsim.SingleNode)
	require.Contains(t, h.do("vm2", "get", "v", ""), `"attached to VM": "vm1"`)
	require.Contains(t, h.do("vm1", "get", "v", ""), `"status": "detached"`)
	require.ErrorContains(t, h.TakeOut(t.Context(), "vm1", vol("v")), "take v out of vm1: it is not there")
	require.NoError(t, h.TakeOut(t.Context(), "vm1", theirs))
	require.Empty(t, h.Plugged("vm1"))
	require.Contains(t, h.do("vm2", "get", "v", ""), `"status": "detached"`)
	h.want(place0, "vm2", "attach", "v", "")
}

// TestByHandGrows: a VM gets the controllers that its disks need, and is full as it is for requests.
func TestByHandGrows(t *testing.T) {
	h := newHost(t)
	for i := range 61 {
		name := "v" + strconv.Itoa(i)
		h.want(null, "vm1", "create", name, "")
		_, err := h.PutIn(t.Context(), "vm1", vol(name))
		if i < 60 {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "maximum number of supported volumes")
		}
	}
	require.Len(t, h.Plugged("vm1"), 60)
}
