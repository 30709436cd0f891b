package scenarios

import (
	"fmt"
	"strings"

	"vmdkvol/explore"
)

// Table renders a run as columns of tasks and rows of steps, for a human: only the steps in which something happens that
// another task can see or that the schedule names, what the outside sees, and a mark where the schedule leaves the
// default.
func Table(events []explore.Event) string {
	columns := columnsOf(events)
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = len(c)
	}
	type row struct {
		column int // -1: a line of its own
		text   string
		mark   string
	}
	var rows []row
	deviates := false
	last := ""
	for _, e := range events {
		deviates = deviates || e.Deviation
		text := cell(e)
		if text == "" {
			continue
		}
		r := row{column: -1, text: text}
		if e.Kind != explore.FailureEvent {
			r.column = indexOf(columns, columnOf(e.Task))
		}
		if deviates {
			r.mark = "  <<< switch"
			if e.Kind == explore.FaultEvent {
				r.mark = "  <<< fault"
			} else if last != "" {
				r.mark += " from " + last
			}
			deviates = false
		}
		if r.column >= 0 {
			widths[r.column] = max(widths[r.column], len(text))
		}
		rows = append(rows, r)
		last = columnOf(e.Task)
	}
	var b strings.Builder
	line := func(column int, text, mark string) {
		for i := range columns {
			if i > 0 {
				b.WriteString(" | ")
			}
			s := ""
			if i == column {
				s = text
			}
			fmt.Fprintf(&b, "%-*s", widths[i], s)
		}
		b.WriteString(mark)
		b.WriteString("\n")
	}
	for i, c := range columns {
		if i > 0 {
			b.WriteString(" | ")
		}
		fmt.Fprintf(&b, "%-*s", widths[i], c)
	}
	b.WriteString("\n")
	for i := range columns {
		if i > 0 {
			b.WriteString("-+-")
		}
		b.WriteString(strings.Repeat("-", widths[i]))
	}
	b.WriteString("\n")
	for i, r := range rows {
		if left := len(rows) - maxRows; left > 0 && i >= headRows && i < headRows+left {
			if i == headRows {
				fmt.Fprintf(&b, "... %d steps left out ...\n", left)
			}
			continue
		}
		if r.column < 0 {
			b.WriteString(r.text + "\n")
			continue
		}
		line(r.column, r.text, r.mark)
	}
	return trimLines(b.String())
}

// A table longer than maxRows loses its middle, from headRows on.
const (
	maxRows  = 200
	headRows = 150
)

// carriers share one column: what ESX does for whom is in the step's own text.
const esxColumn = "esx"

func columnOf(task string) string {
	if strings.HasPrefix(task, "esx:") {
		return esxColumn
	}
	return task
}

func columnsOf(events []explore.Event) []string {
	var columns []string
	esx := false
	for _, e := range events {
		c := columnOf(e.Task)
		switch {
		case cell(e) == "" || e.Kind == explore.FailureEvent || indexOf(columns, c) >= 0:
		case c == esxColumn:
			esx = true
		default:
			columns = append(columns, c)
		}
	}
	if esx {
		columns = append(columns, esxColumn)
	}
	return columns
}

func indexOf(list []string, s string) int {
	for i, v := range list {
		if v == s {
			return i
		}
	}
	return -1
}

// cell is what a row says of an event, "" if it has no row.
func cell(e explore.Event) string {
	switch e.Kind {
	case explore.StepEvent:
		switch e.Point.Op {
		case "start", "wait", "net.request", "net.reply":
			return ""
		case "lock":
			if e.Point.Object == "volumes" || e.Point.Object == "plugging" || strings.HasPrefix(e.Point.Object, "esx:") ||
				columnOf(e.Task) == esxColumn {
				return ""
			}
		}
		return e.Point.String()
	case explore.FaultEvent:
		return "FAULT " + e.Text + " at " + e.Point.String()
	case explore.CrashEvent:
		return "CRASH"
	case explore.ClockEvent:
		return "time " + e.Text
	case explore.VisibleEvent:
		call, answer, _ := strings.Cut(firstLine(e.Text), " -> ")
		if answer != "" {
			answer, _, _ = strings.Cut(answer, ": ") // the kind; the cause is long
			call += " -> " + answer
		}
		return "* " + call
	case explore.FailureEvent:
		return "! " + firstLine(e.Text)
	}
	return ""
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}
