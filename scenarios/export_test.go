package scenarios

import (
	"vmdkvol/explore"
	"vmdkvol/model"
)

// Believe gives the runs of a stage another model.
func (s *Stage) Believe(truth func(model.State, model.Op) (model.State, model.Result)) {
	s.theatre.opinions.checker.Truth = truth
}

// Hurry bounds the work of the second judge of histories.
func (s *Stage) Hurry(steps int) { s.theatre.opinions.limit = steps }

// Spares asks the judge of the last run.
func (s *Stage) Spares(run, order explore.Order) bool {
	return s.theatre.world.judge.spares(run, order)
}

// Opinion judges a history from a start, piece by piece or in one.
func Opinion(from model.Possible, calls []model.Call, piecewise bool) (oracle string, counts uint64) {
	return OpinionOf(nil, from, calls, piecewise)
}

// OpinionOf is Opinion with another model.
func OpinionOf(truth func(model.State, model.Op) (model.State, model.Result), from model.Possible, calls []model.Call, piecewise bool) (oracle string, counts uint64) {
	o := opinions{checker: model.Checker{Truth: truth}}
	start := beginning{"start", from}
	if piecewise {
		of := o.of("v", start, calls)
		return of.oracle, of.counts
	}
	o.calls = calls
	of, _ := o.judge("v", start)
	return of.oracle, of.counts
}

// Accompanied asks the judge of the last run about its call number n.
func (s *Stage) Accompanied(n int) bool {
	j := &s.theatre.world.judge
	return j.accompanied(j.calls[n])
}
