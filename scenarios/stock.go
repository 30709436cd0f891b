package scenarios

import (
	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/vmcisim"
)

// stock is the simulators of earlier runs, whose memory serves the next. Each is made anew by its own Reset, as if it were
// new. On threads there is none: to the race detector, memory that is used again looks shared.
type stock struct {
	store    esxsim.MemStore
	services []*esxsim.Service // by host
	handlers []vmcisim.Handler // of services
	networks []*vmcisim.Network
	guests   []*guestsim.Guest

	kernel *explore.Kernel
	fail   func(oracle, detail string) // of kernel
	asker  func() string               // the same
}

// item is value i of a list, made now if the list is shorter by one.
func item[T any](list *[]*T, i int) *T {
	if i == len(*list) {
		*list = append(*list, new(T))
	}
	return (*list)[i]
}

// on brings the stock to the kernel of a run.
func (s *stock) on(k *explore.Kernel) {
	if s.kernel != k {
		s.kernel, s.fail, s.asker = k, k.Fail, k.Current // method values made at every run would cost memory
	}
}

// service is that of an ESX host, with its handler.
func (s *stock) service(i int, cfg esxsim.Config) (*esxsim.Service, vmcisim.Handler, error) {
	service := item(&s.services, i)
	if i == len(s.handlers) {
		s.handlers = append(s.handlers, service.Handle)
	}
	return service, s.handlers[i], service.Reset(cfg)
}
