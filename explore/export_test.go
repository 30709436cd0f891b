package explore

// NewLooker is a watchdog without patience that looks only when it is told to.
func NewLooker() *Watchdog { return &Watchdog{} }

// Look makes it look.
func (w *Watchdog) Look() []Blocked { return w.hanging() }
