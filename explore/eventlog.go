package explore

// eventLog is what a run notes of its events if its hash may never be asked for, as in most runs of a search: to note an event
// costs a tenth of what its texts cost in a hash.
type eventLog struct {
	lines  []logLine
	others []Event // events that are no steps
}

// logLine is an event: a step, or one of the others.
type logLine struct {
	task int32 // index of who made the step; none: it is another event
	at   int32 // index of the step's point among those that the task has visited, or of the event among the others; -kind: its start or end
}

//go:norace
func (l *eventLog) step(t *Task) {
	l.lines = append(l.lines, logLine{int32(t.index), int32(len(t.visited) - 1)})
}

// life notes the start or the end of a task.
//
//go:norace
func (l *eventLog) life(kind EventKind, t *Task) {
	l.lines = append(l.lines, logLine{int32(t.index), -int32(kind)})
}

// add notes an event that is no step, and returns it to be filled in: to copy one costs as much as the rest.
//
//go:norace
func (l *eventLog) add() *Event {
	l.lines = append(l.lines, logLine{none, int32(len(l.others))})
	l.others = append(l.others, Event{})
	return &l.others[len(l.others)-1]
}

// hash is that of all events of a run that has ended, whose tasks these are.
func (l *eventLog) hash(tasks []*Task) Hash {
	h := NewHash()
	for _, line := range l.lines {
		switch {
		case line.task == none:
			h = h.Add(l.others[line.at])
		case line.at < 0:
			h = h.bare(EventKind(-line.at), tasks[line.task].name, "")
		default:
			t := tasks[line.task]
			h = h.step(t.hash, &t.visited[line.at])
		}
	}
	return h
}
