package esxsim_test

import (
	"context"
	"testing"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// noBus is hardware that costs nothing.
type noBus struct{}

func (noBus) Plug(context.Context, string, wire.Device, esxsim.Disk) error   { return nil }
func (noBus) Unplug(context.Context, string, wire.Device, esxsim.Disk) error { return nil }

// BenchmarkCycle is create, get, attach, detach and remove of one volume, as a serial explorer runs them.
func BenchmarkCycle(b *testing.B) {
	env := seam.Real()
	store := esxsim.NewMemStore(env, true, "ds1")
	s, err := esxsim.New(esxsim.Config{Env: clock{env}, Serial: true, Store: store, Bus: noBus{}})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"}); err != nil {
		b.Fatal(err)
	}
	requests := [][]byte{
		[]byte(`{"cmd":"create","details":{"Name":"v@ds1","Opts":{"fstype":"ext4","size":"1gb"}},"version":"2"}`),
		[]byte(`{"cmd":"get","details":{"Name":"v@ds1"},"version":"2"}`),
		[]byte(`{"cmd":"attach","details":{"Name":"v@ds1"},"version":"2"}`),
		[]byte(`{"cmd":"detach","details":{"Name":"v@ds1"},"version":"2"}`),
		[]byte(`{"cmd":"remove","details":{"Name":"v@ds1"},"version":"2"}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range requests {
			s.Handle(context.Background(), "vm1", r)
		}
	}
}
