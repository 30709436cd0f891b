package vmdkops

import (
	"time"

	"vmdkvol/driver/wire"
)

// forever is a limit that only the context ends.
const forever = -1

// limits says after which failure a command may be repeated, and how often: a repeat is allowed while the call has made
// fewer repeats than the limit of the kind that has just failed; those whose limit is forever do not count. 0, for kinds
// that are not mentioned, is never.
type limits [numKinds]int

// commandLimits is where every command declares whether it may be repeated. The protocol has no request ids, so an unknown
// outcome may be repeated only where executing twice does no harm: reads, and attach and detach, which the service
// answers with success if their work is done already (docs/original.md §1.9, §2.7, §2.8). A create that was executed
// would be answered "already exists", and a remove could hit a volume that somebody has created anew in between.
var commandLimits = map[wire.Command]limits{
	wire.Create:     {NotSent: 5, Unavailable: 5, Busy: forever},
	wire.Remove:     {NotSent: 5, Unavailable: 5, Busy: forever},
	wire.Attach:     {NotSent: 5, Unavailable: 5, Busy: forever, Unknown: 5},
	wire.Detach:     {NotSent: 5, Unavailable: 5, Busy: forever, Unknown: 5},
	wire.List:       {NotSent: 5, Unavailable: 5, Busy: forever, Unknown: 5},
	wire.GetVersion: {NotSent: 5, Unavailable: 5, Busy: forever, Unknown: 5},
	// A sidecar that is being rewritten on another host reads as empty for a moment (§2.14). Metadata that is lost for
	// good reads so for ever, hence one repeat only.
	wire.Get: {NotSent: 5, Unavailable: 5, Busy: forever, Unknown: 5, Unreadable: 1},
}

// Waiting before a repeat starts at firstPause and doubles up to maxPause.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = time.Second
)

func limitOf(cmd wire.Command, after Kind) int { return commandLimits[cmd][after] }
