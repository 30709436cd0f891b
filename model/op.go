package model

// OpKind is one of the operations that the model knows.
type OpKind uint8

// The operations. Only Mount and Unmount have an ID, only Create has a file system.
const (
	Create OpKind = iota + 1
	Remove
	Mount
	Unmount
	Get

	halfCreate // what a Create leaves that stopped between the volume and its file system; never in a history
)

// Op is one operation on one volume.
type Op struct {
	Kind   OpKind
	Volume string // canonical: one string for all aliases
	ID     string // Docker's mount ID, of Mount and Unmount
	FSType string // of Create; a default filled in by the caller
}

// ResultKind is what an operation's outcome says about the volume.
type ResultKind uint8

// The results.
const (
	OK ResultKind = iota
	// NotFound says that there was no such volume.
	NotFound
	// InUse says that the volume had references on this host.
	InUse
	// Exists says that the volume existed and held another file system, or none.
	Exists
	// Unknown is an error that does not say whether it happened: unreachable, busy, failed under faults.
	//
	//   - Create and Remove may have happened, may never happen, and may happen later: a request can outlive its caller.
	//     A Create may also have stopped half-way, with a volume that has no file system.
	//   - Mount did not happen: a driver takes back a reference that it does not answer for.
	//   - Unmount happened before it returned: Docker never repeats one, so the reference is gone all the same.
	//   - Get has no effect.
	Unknown
	// Refused is a definite error without effect, for a reason outside the model: a bad name, a quota, another host, an
	// injected definite fault. A Create that failed after the volume was made is Unknown unless it was undone for certain.
	Refused
)

// Result is an operation's outcome.
type Result struct {
	Kind ResultKind
	Seen Sight // of a Get that is OK
}

// Sight is what a Get says of the volume on this host.
type Sight uint8

// What a Get can say. It says SeenMounted exactly if there are references.
const (
	Unsaid Sight = iota // nothing, or nothing that is to be judged
	SeenMounted
	SeenUnmounted
	// SeenNowhere is the word of whoever asks for the mountpoint alone: there are no references, and perhaps no volume.
	SeenNowhere
)

// says reports whether the only right answer is a right answer to one who heard r.
func (r Result) says(right Result) bool {
	if r.Kind == OK && r.Seen == SeenNowhere {
		return right.Kind == NotFound || right.Seen == SeenUnmounted
	}
	return r.Kind == right.Kind && (r.Seen == Unsaid || r.Seen == right.Seen)
}
