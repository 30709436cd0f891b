package front_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/front"
	"vmdkvol/driver/vmdkops"
)

func TestText(t *testing.T) {
	e := func(k driver.Kind, owner, cause string) error {
		return &driver.Error{Op: "mount", Volume: "v", Kind: k, Owner: owner, Err: errors.New(cause)}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{
			e(driver.BadName, "", "volume name \"..\" is reserved"),
			"volume name \"..\" is reserved; " +
				"use VOLUME or VOLUME@DATASTORE, each of 1 to 100 characters without slashes",
		},
		{
			e(driver.BadOption, "", "Invalid format for size. \nValid sizes must be of form X[mMgGtT]b."),
			"Invalid format for size. Valid sizes must be of form X[mMgGtT]b; " +
				"correct the option and create the volume again",
		},
		{
			e(driver.NotFound, "", "no such volume"),
			"no such volume; see 'docker volume ls' for the volumes of this VM, " +
				"and add @DATASTORE if it is not on the default one",
		},
		{e(driver.Exists, "", "exists"), "exists; choose another name, or remove that volume if nobody needs it"},
		{e(driver.InUse, "", "2 references"), "2 references; stop the containers or processes that use it, then try again"},
		{
			e(driver.InUse, "vm2", "disk is attached"),
			"disk is attached (by VM vm2); stop the containers that use it on VM vm2, then try again",
		},
		{
			e(driver.InUse, "vm2", "Volume v is attached to vm2"),
			"Volume v is attached to vm2; stop the containers that use it on VM vm2, then try again",
		},
		{
			e(driver.Doubt, "", "found xfs"),
			"found xfs; nothing was formatted; look at the disk and its metadata, " +
				"and remove the volume only if its data is not needed",
		},
		{
			e(driver.Denied, "", "No create privilege"),
			"No create privilege; ask the ESX administrator for the privilege, or a larger quota, " +
				"of this VM's vmgroup on the datastore",
		},
		{
			e(driver.Full, "", "60 disks"),
			"60 disks; stop containers here that use other volumes, or use this one on another VM",
		},
		{
			e(driver.Unreachable, "", "connection refused"),
			"connection refused; check that its volume service runs and that this VM may reach it, then try again",
		},
		{e(driver.Busy, "", "another task"), "another task; try again in a moment"},
		{e(driver.Closed, "", "stopping"), "stopping; try again when vmdkd runs again"},
		{e(driver.Failed, "", "mkfs.ext4: exit status 1"), "mkfs.ext4: exit status 1; see the log of vmdkd"},
		{errors.New("plain"), "plain; see the log of vmdkd"},
		{fmt.Errorf("again: %w", e(driver.Busy, "", "task")), "task; try again in a moment"},
		{&driver.Error{Kind: driver.Closed}, "the plugin is stopping; try again when vmdkd runs again"},
		{
			&driver.Error{Kind: driver.Busy, Err: &vmdkops.Error{Cmd: "attach", Volume: "v", Err: errors.New("said ESX")}},
			"said ESX; try again in a moment",
		},
		{
			&driver.Error{Kind: driver.Busy, Err: errors.Join(errors.New("not known"), errors.New("get v: lost"))},
			"not known; get v: lost; try again in a moment",
		},
		{e(driver.Busy, "", " \n"), "another task is running; try again in a moment"},
	} {
		got := front.Text(c.err)
		require.Equal(t, c.want, got)
	}
}

func TestTextIsOneLine(t *testing.T) {
	remote := "first\r\n\tsecond\x1b[31m\x00 third\u2028fourth \xff" + strings.Repeat("é", 5000)
	got := front.Text(errors.New(remote))
	require.True(t, utf8.ValidString(got))
	require.True(t, strings.HasPrefix(got, "first; second [31m third fourth ?é"), got[:60])
	require.True(t, strings.HasSuffix(got, "; see the log of vmdkd"))
	require.Less(t, len(got), 2100)
}

func TestEveryKindHasAdviceOfItsOwn(t *testing.T) {
	seen := make(map[string]driver.Kind)
	k := driver.Kind(0)
	for ; k.String() != "invalid kind"; k++ {
		text := front.Text(&driver.Error{Kind: k, Err: errors.New("cause")})
		_, advice, ok := strings.Cut(text, "; ")
		require.True(t, ok)
		require.NotContains(t, seen, advice, "%s and %s", k, seen[advice])
		seen[advice] = k
	}
	require.Greater(t, int(k), 1)
}
