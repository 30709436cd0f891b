package esxsim_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// FuzzHandle sends arbitrary texts: the service answers JSON in ASCII, never panics and keeps no lock.
func FuzzHandle(f *testing.F) {
	for _, seed := range []string{
		`{"cmd":"list","details":{"Name":""},"version":"2"}`,
		`{"cmd":"create","details":{"Name":"v@ds1","Opts":{"diskformat":"thin","fstype":"ext4","size":"1gb"}},"version":"2"}`,
		`{"cmd":"attach","details":{"Name":"v@ds1"},"version":"2"}`,
		`{"cmd":"detach","details":{"Name":"v-flat@"},"version":2.5}`,
		`{"cmd":"remove","details":{"Name":"v-000001"},"version":" 2 "}`,
		`{"cmd":"get","details":{"Name":"\u0000'\""},"version":1e400}`,
		`{"cmd":[],"details":[],"version":true}`,
		`{"cmd":7,"details":{"Name":null,"Opts":[1]}}`,
		"{\"cmd\":\"\xff\"}",
		`"`, ``, `[[[`, `-`, ` 0`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		store := esxsim.NewMemStore(seam.Real(), true, "ds1", "Ds2", "dS2")
		s, err := esxsim.New(esxsim.Config{Env: seam.Real(), Serial: true, Store: store, Bus: newSlots()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"}); err != nil {
			t.Fatal(err)
		}
		s.Handle(t.Context(), "vm1", []byte(`{"cmd":"create","details":{"Name":"v"}}`))
		s.Handle(t.Context(), "vm1", []byte(`{"cmd":"attach","details":{"Name":"v"}}`))
		before := bytes.Clone(request)
		for range 2 { // the second time from the memo
			reply := s.Handle(t.Context(), "vm1", request)
			if !json.Valid(reply) {
				t.Fatalf("reply is not JSON: %q", reply)
			}
			for _, c := range reply {
				if c < ' ' || c > '~' {
					t.Fatalf("reply is not ASCII: %q", reply)
				}
			}
		}
		if !s.Idle() {
			t.Fatal("a lock is left")
		}
		if !bytes.Equal(before, request) {
			t.Fatal("the request was changed")
		}
	})
}
