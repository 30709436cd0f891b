package unixesx_test

import (
	"context"
	"errors"
	"fmt"

	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/wire"
)

func Example() {
	t, err := unixesx.New(unixesx.Config{Path: "/nonexistent/esx.sock"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = t.RoundTrip(context.Background(), []byte(`{"cmd":"version","details":{"Name":""},"version":"2"}`))
	fmt.Println("may be sent again:", errors.Is(err, wire.ErrNotSent))
	// Output: may be sent again: true
}
