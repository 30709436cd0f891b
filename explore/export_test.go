package explore

// Look lets the watchdog look now, with no patience at all.
func (w *Watchdog) Look() []Blocked {
	w.after = 0
	return w.hanging()
}
