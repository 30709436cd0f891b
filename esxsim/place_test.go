package esxsim_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

// TestControllers: volumes go to PVSCSI controllers only, other disks and controllers keep their places, and a new
// controller is a task of its own (docs/original.md §2.7).
func TestControllers(t *testing.T) {
	h := newHost(t)
	require.NoError(t, h.AddVM(esxsim.VM{ID: "vm4", Home: "ds1", Controllers: []esxsim.Controller{
		{Bus: 0, Kind: "lsilogic", Units: []int{0}},
		{Bus: 2, Kind: esxsim.PVSCSI, Units: []int{0, 2}},
	}}))
	for i := range 50 {
		h.want(null, "vm1", "create", fmt.Sprint("v", i), "")
	}
	var got []string
	attach := func(i int) {
		h.stage.seen = nil
		h.do("vm4", "attach", fmt.Sprint("v", i), "")
		if len(h.stage.seen) == 3 {
			require.Equal(t, fmt.Sprintf("esx.attach.controller(v%d)", i), h.stage.seen[0])
			got = append(got, fmt.Sprint("controller before v", i))
		}
	}
	for i := range 43 {
		attach(i)
	}
	require.Equal(t, []string{"controller before v13", "controller before v28"}, got)
	h.want(errorText("Failed to place new disk - The maximum number of supported volumes has been reached."), "vm4", "attach", "v43", "")
	count := map[string]int{}
	for _, p := range h.Plugged("vm4") {
		count[p.At.ControllerPciSlotNumber]++
		require.NotEqual(t, "7", p.At.Unit)
		require.False(t, p.At.ControllerPciSlotNumber == "224" && (p.At.Unit == "0" || p.At.Unit == "2"), "the VM's own disks")
	}
	require.Equal(t, map[string]int{"192": 15, "224": 13, "256": 15}, count, "bus 1 is filled before bus 3, after bus 2")

	// The controller stays when its disk fails, and the disk goes there next time.
	require.NoError(t, h.AddVM(esxsim.VM{ID: "bare", Home: "ds1", Controllers: []esxsim.Controller{}}))
	h.stage.seen = nil
	h.want(errorText("File /vmfs/volumes/ds1/dockvols/_DEFAULT/ghost.vmdk was not found"), "bare", "attach", "ghost", "")
	require.Equal(t, []string{"esx.attach.controller(ghost)", "esx.attach.plug(ghost)"}, h.stage.seen)
	h.stage.seen = nil
	h.want(place0, "bare", "attach", "v44", "")
	require.NotContains(t, h.stage.seen, "esx.attach.controller(v44)")

	full := []esxsim.Controller{{Bus: 0, Kind: "a"}, {Bus: 1, Kind: "b"}, {Bus: 2, Kind: "c"}, {Bus: 3, Kind: "d"}}
	require.NoError(t, h.AddVM(esxsim.VM{ID: "none", Home: "ds1", Controllers: full}))
	h.want(errorText("Failed to place new disk - The maximum number of supported volumes has been reached."), "none", "attach", "v45", "")
	require.True(t, h.Idle())
}

// TestPciSettings: where a controller is, as the VM's configuration tells; without a bridge the disk is attached, the
// metadata is not written, and the caller gets an exception.
func TestPciSettings(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	for i, c := range []struct {
		controller esxsim.Controller
		settings   map[string]string
		want       string
	}{
		{esxsim.Controller{Slot: 1184}, nil, `"1184", "ControllerPciBusNumber": "15.1"`},
		{esxsim.Controller{Slot: 160}, map[string]string{"PCIbridge4.PCISLOTNUMBER": "21"}, `"160", "ControllerPciBusNumber": "15.0"`},
		{esxsim.Controller{}, map[string]string{"SCSI0.pcislotnumber": "1184", "pcibridge4.pciSlotNumber": "37", "pciBridge0.pciSlotNumber": "17"}, `"1184", "ControllerPciBusNumber": "11.1"`},
		{esxsim.Controller{Slot: 16}, map[string]string{}, `"16", "ControllerPciBusNumber": "10.0"`},
		{esxsim.Controller{Slot: 160}, map[string]string{"pciBridge5.pciSlotNumber": "22"}, ""},
		{esxsim.Controller{}, map[string]string{"pciBridge4.pciSlotNumber": "21"}, ""},
		{esxsim.Controller{Slot: 160}, map[string]string{"pciBridge4.pciSlotNumber": "160"}, ""}, // a circle
		{esxsim.Controller{Slot: 160}, map[string]string{"pciBridge4.pciSlotNumber": "x"}, ""},
	} {
		id := fmt.Sprint("vm-", i)
		c.controller.Kind = esxsim.PVSCSI
		require.NoError(t, h.AddVM(esxsim.VM{ID: id, Home: "ds1", Controllers: []esxsim.Controller{c.controller}, Settings: c.settings}))
		if c.want != "" {
			h.want(`{"Unit": "0", "ControllerPciSlotNumber": `+c.want+`}`, id, "attach", "v", "")
			h.want(null, id, "detach", "v", "")
			continue
		}
		stumbles := errorText(`Server returned an error: TypeError(\"'NoneType' object is not subscriptable\")`)
		h.want(stumbles, id, "attach", "v", "")
		owner, _ := h.store.AttachedTo("ds1", "v")
		require.Equal(t, id, owner, "the disk is attached")
		meta, _ := h.store.Meta("ds1", "v")
		require.Equal(t, "detached", meta.Status)
		h.want(stumbles, id, "attach", "v", "")
		h.want(null, id, "detach", "v", "")
	}
	for _, bad := range []esxsim.VM{
		{Controllers: []esxsim.Controller{{Bus: 4, Kind: "a"}}},
		{Controllers: []esxsim.Controller{{Bus: 1, Kind: "a"}, {Bus: 1, Kind: "a"}}},
		{Controllers: []esxsim.Controller{{Bus: 1}}},
		{Controllers: []esxsim.Controller{{Bus: 1, Kind: "a", Slot: -1}}},
		{Controllers: []esxsim.Controller{{Bus: 1, Kind: "a", Units: []int{7}}}},
		{Settings: map[string]string{"a": "1", "A": "2"}},
	} {
		bad.ID, bad.Home = "bad", "ds1"
		require.Error(t, h.AddVM(bad))
	}
}
