package model_test

import (
	"fmt"

	"vmdkvol/model"
)

func ExampleChecker() {
	var c model.Checker
	v := c.Linearizable(nil, []model.Call{
		{Op: model.Op{Kind: model.Create, Volume: "data", FSType: "ext4"}, Invoke: 1, Return: 2},
		{Op: model.Op{Kind: model.Mount, Volume: "data", ID: "c1"}, Invoke: 3, Return: 6},
		{Op: model.Op{Kind: model.Remove, Volume: "data"}, Invoke: 4, Return: 5}, // overlaps the Mount, and both succeed
	})
	fmt.Println(v)
	// Output:
	// no: "remove data -> ok" fits nowhere: after [create data fstype=ext4 -> ok; mount data id=c1 -> ok] the volume is "ext4 refs=c1" and the answer would be "in use"
}
