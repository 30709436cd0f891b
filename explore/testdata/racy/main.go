// Command racy runs two tasks that add to a counter, with a lock or without, on threads.
package main

import (
	"context"
	"fmt"
	"os"

	"vmdkvol/explore"
)

func main() {
	locked := os.Args[1] == "locked"
	r := explore.NewThreads()
	defer r.Close()
	for n := range 100 {
		res := r.Run(func(k *explore.Kernel) {
			w := k.World("w")
			m := w.NewMonitor("counter")
			total := 0
			for _, name := range []string{"c1", "c2"} {
				k.Client(name, w, func() {
					k.Before("add", "counter")
					if locked {
						_ = m.Lock(context.Background())
						defer m.Unlock()
					}
					total++ // here
				})
			}
			k.AtEnd(func() {
				if total != 2 {
					k.Fail("total", fmt.Sprint(total))
				}
			})
		}, explore.Random(1), n, explore.Options{})
		if res.Failure != nil {
			fmt.Println(res.Failure)
			os.Exit(1)
		}
	}
}
