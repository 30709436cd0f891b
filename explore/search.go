package explore

// Search is a bounded hunt for a failing schedule.
type Search struct {
	Strategy  Strategy
	Schedules int // at most so many runs
	Options   Options
	// Progress, if set, is called now and then with the number of runs so far; false ends the search.
	Progress func(schedules int) bool
}

// Report is what a search found.
type Report struct {
	Found     bool
	Schedules int // runs made, the failing one included
	Steps     int // of all runs
	Result    Result
}

// progressEvery is how many runs pass between two calls of Progress.
const progressEvery = 256

// Search runs the program until an oracle objects or the bound is reached.
func (r *Runner) Search(s Search, p Program) Report {
	var rep Report
	for n := range s.Schedules {
		res := r.Run(p, s.Strategy, n, s.Options)
		rep.Schedules++
		rep.Steps += res.Steps
		rep.Result = res
		if res.Failure != nil {
			rep.Found = true
			return rep
		}
		if s.Progress != nil && rep.Schedules%progressEvery == 0 && !s.Progress(rep.Schedules) {
			return rep
		}
	}
	return rep
}
