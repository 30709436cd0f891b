package explore

// Minimize returns a failing schedule from which no single deviation can be taken without losing the failure, and the
// result of its run: a part of the given one, or, if one deviation from the default is enough, that. The failure stays
// the same oracle's. The deviations must fail to begin with; if they do not, they are returned as they came.
func (r *Runner) Minimize(p Program, ds []Deviation, o Options) ([]Deviation, Result) {
	best := r.Run(p, NewReplay(ds), 0, o)
	if best.Failure == nil {
		return ds, best
	}
	oracle := best.Failure.Oracle
	ds = best.Deviations
	try := func(part []Deviation) bool {
		res := r.Run(p, NewReplay(part), 0, o)
		// A run may deviate in fewer places than it was asked to, never in more.
		if res.Failure == nil || res.Failure.Oracle != oracle || len(res.Deviations) >= len(ds) {
			return false
		}
		best, ds = res, res.Deviations
		return true
	}
	for size := len(ds) / 2; size > 0; {
		shrunk := false
		for from := 0; from < len(ds); {
			part := make([]Deviation, 0, len(ds))
			part = append(part, ds[:from]...)
			part = append(part, ds[min(from+size, len(ds)):]...)
			if try(part) {
				shrunk = true
			} else {
				from += size
			}
		}
		switch {
		case size > 1:
			size = min(size/2, max(1, len(ds)/2))
		case !shrunk:
			size = 0
		}
	}
	if len(ds) > 1 {
		if res, ok := r.single(p, oracle, o); ok {
			return res.Deviations, res
		}
	}
	return ds, best
}
