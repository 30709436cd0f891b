package esxsim

// room is memory that a service had before its last reset, to be used again. Within one life nothing of it is used twice:
// whoever holds a slot may look at it after it was dropped. It is small; a service that lives long makes what it needs.
type room struct {
	machines kept[machine]
	slots    kept[slot]
}

// empty takes everything back.
func (r *room) empty() {
	r.machines.used, r.slots.used = 0, 0
}

// machine is a VM that runs, without controllers and disks.
func (r *room) machine(vm VM) *machine {
	m := r.machines.next()
	label := m.label
	if label == "" || m.ID != vm.ID {
		label = "vm:" + vm.ID
	}
	*m = machine{VM: vm, label: label, on: true, slots: m.slots[:0]}
	return m
}

// mostKept is how many values of a type are kept.
const mostKept = 64

// kept are values to be used again, the first few of which are in use.
type kept[T any] struct {
	all  []*T
	used int
}

// next is a value that nobody uses, as whoever used it last has left it.
func (k *kept[T]) next() *T {
	if k.used == mostKept {
		return new(T)
	}
	if k.used == len(k.all) {
		k.all = append(k.all, new(T))
	}
	k.used++
	return k.all[k.used-1]
}

// cleared is an empty map, that one if it is there.
func cleared[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return make(map[K]V)
	}
	clear(m)
	return m
}
