// Command racy runs two tasks that add to a counter, with a lock or without, on threads; or one that starts another and goes on.
package main

import (
	"context"
	"fmt"
	"os"

	"vmdkvol/explore"
)

func main() {
	locked := os.Args[1] == "locked"
	if os.Args[1] == "starter" {
		starter()
		return
	}
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

// starter races with a task that it starts, although it always ends before that begins.
func starter() {
	r := explore.NewThreads()
	defer r.Close()
	for n := range 100 {
		r.Run(func(k *explore.Kernel) {
			w := k.World("w")
			total := 0
			k.Client("c1", w, func() {
				w.Go("started", func() {
					total++
				})
				total++ // there
			})
		}, explore.Random(1), n, explore.Options{})
	}
}
