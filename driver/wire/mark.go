package wire

import "encoding/binary"

// Mark tells requests apart at a glance: texts with different marks differ, and most that differ have different marks. It is made
// of the command's first bytes and the last ones of the volume's name, which are where [AppendRequest] puts them if there are no
// options. The text may be anything; one that is too short for a request has the mark 0.
func Mark(request []byte) uint64 {
	const (
		command = len(`{"cmd":"`)
		name    = 8 + len(`"},"version":"2"}`) // from the end
	)
	if len(request) < name {
		return 0
	}
	return binary.LittleEndian.Uint64(request[command:]) ^ binary.LittleEndian.Uint64(request[len(request)-name:])
}
