package esxsim_test

import (
	"context"
	"fmt"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

func ExampleService() {
	env := seam.Real()
	esx, err := esxsim.New(esxsim.Config{Env: env, Store: esxsim.NewMemStore(env, false, "ds1"), Bus: noBus{}})
	if err != nil {
		panic(err)
	}
	if err := esx.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"}); err != nil {
		panic(err)
	}
	for _, cmd := range []string{"create", "attach", "remove"} {
		request := `{"cmd":"` + cmd + `","details":{"Name":"data"},"version":"2"}`
		fmt.Println(string(esx.Handle(context.Background(), "vm1", []byte(request))))
	}
	// Output:
	// null
	// {"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}
	// {"Error": "Failed to remove volume data, in use by VM = vm1."}
}
