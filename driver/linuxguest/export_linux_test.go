package linuxguest

// Doors for the external tests.
var (
	ProbeFile   = probeFile
	Content     = content
	CleanLabel  = cleanLabel
	HiddenMount = hiddenMount
	BriefMount  = briefMount
	Verify      = verify
)

// AcceptAnyDisk lets Disk be tested where no block device can be had.
func (g *Guest) AcceptAnyDisk(usable func(disk string) error) { g.usable = usable }
