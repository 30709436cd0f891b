//go:build race

package explore

import (
	"runtime"
	"unsafe"
)

// The race detector must not see how the kernel passes the turn around, or it would take it for synchronisation of the
// program; and it must see what the seam promises: monitors, the start of tasks, the end of contexts.

func hide()                     { runtime.RaceDisable() }
func unhide()                   { runtime.RaceEnable() }
func happensBefore[T any](p *T) { runtime.RaceReleaseMerge(unsafe.Pointer(p)) }
func happenedAfter[T any](p *T) { runtime.RaceAcquire(unsafe.Pointer(p)) }
