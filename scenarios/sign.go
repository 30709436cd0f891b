package scenarios

// sign is something about a world that clients change and others see. They take turns without any lock, so the race
// detector, which is to judge the driver, must not see it.
type sign struct{ on bool }

//go:norace
func (s *sign) is() bool { return s.on }

//go:norace
func (s *sign) set(on bool) { s.on = on }

// tally is a number of the same kind.
type tally struct{ n int }

//go:norace
func (t *tally) is() int { return t.n }

//go:norace
func (t *tally) add(n int) { t.n += n }
