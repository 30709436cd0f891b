package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/driver/wire"
)

// TestMarksTellRequestsApart: those of another command or of another volume, if they have no options. Mark reads them where
// AppendRequest writes them, so that this fails if the text of a request changes.
func TestMarksTellRequestsApart(t *testing.T) {
	marks := map[uint64]string{}
	for _, cmd := range []wire.Command{wire.Create, wire.Remove, wire.Attach, wire.Detach, wire.Get, wire.List} {
		for _, name := range []string{"", "a", "b", "data", "date", "v1", "v2", "a-long-name-1", "a-long-name-2", "data@ds1", "data@ds2"} {
			text, err := wire.AppendRequest(nil, wire.Request{Cmd: cmd, Details: wire.Details{Name: name}, Version: wire.Version})
			require.NoError(t, err)
			is := wire.Mark(text)
			require.Empty(t, marks[is], "has the mark of %s", text)
			marks[is] = string(text)
		}
	}
}

// TestMarkIsOfTheText: equal texts have one mark, wherever they are, and any text has one.
func TestMarkIsOfTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "text")
		require.Equal(t, wire.Mark(text), wire.Mark(append([]byte("x"), text...)[1:]))
	})
}
