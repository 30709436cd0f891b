package front_test

import (
	"errors"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/front"
)

// A process that would find the bare directory gets no Mount, and the driver is not asked; all else goes its way.
func TestMountOfWhoDoesNotSeeItIsRefused(t *testing.T) {
	d := &scripted{}
	var asked []int
	blind := true
	h, err := front.New(front.Config{Driver: d, SeenBy: func(pid int) error {
		asked = append(asked, pid)
		if blind {
			return errors.New("what is mounted stays here")
		}
		return nil
	}})
	require.NoError(t, err)
	s := serve(t, h)
	const body = `{"Name":"v","ID":"1"}`
	code, answer, err := s.post("Mount", body)
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, code)
	require.Contains(t, answer, "what is mounted stays here; run vmdkd in Docker's mount namespace")
	require.Empty(t, d.calls())
	for _, op := range []string{"Unmount", "Path", "Get", "Remove"} {
		code, _, err := s.post(op, body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, code, op)
	}
	blind = false
	code, answer, err = s.post("Mount", body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code, answer)
	require.Equal(t, []int{os.Getpid(), os.Getpid()}, asked, "only of Mount, and of the process that connected")
	s.stop()
	require.NoError(t, <-s.done)
}
