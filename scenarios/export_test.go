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
func (s *Stage) Spares(run, order explore.Order) bool { return s.theatre.world.judge.spares(run, order) }
