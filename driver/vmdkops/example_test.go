package vmdkops_test

import (
	"context"
	"errors"
	"fmt"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/seam"
)

// A create whose reply was lost is settled by asking, never by sending it again.
func Example() {
	exists := false
	service := transportFunc(func(request []byte) ([]byte, error) {
		if !exists {
			exists = true
			return nil, errors.New("connection reset by peer") // after the work was done
		}
		return []byte(volume), nil
	})
	client, err := vmdkops.New(vmdkops.Config{Transport: service, Env: seam.Real()})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	err = client.Create(ctx, "data", map[string]string{"size": "1gb"})
	fmt.Println(err)
	if vmdkops.KindOf(err) == vmdkops.Unknown {
		v, err := client.Get(ctx, "data")
		fmt.Println(v.Datastore, err)
	}
	// Output:
	// create data: unknown: connection reset by peer
	// ds1 <nil>
}
