package guestsim

// Tables of faults are variables only because a literal would be allocated at every call.
var (
	plugFaults    = []string{"lost"}
	failFaults    = []string{"fail"}
	mkfsFaults    = []string{"fail", "torn"}
	releaseFaults = []string{"busy"}
)

// Faults lists every fault point with every fault, as op:fault, so that a search can say what no run came to.
func Faults() []string {
	var all []string
	for _, p := range []struct {
		op     string
		faults []string
	}{
		{"guest.probe", failFaults},
		{"guest.mkfs", mkfsFaults},
		{"guest.mount", failFaults},
		{"guest.unmount", failFaults},
		{"guest.release", releaseFaults},
		{"guest.plug", plugFaults},
	} {
		for _, f := range p.faults {
			all = append(all, p.op+":"+f)
		}
	}
	return all
}
