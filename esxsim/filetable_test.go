package esxsim_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// TestStoreOfManyVolumes: volumes are found, listed and forgotten alike while they are few, when they become many, and when
// they are few again.
func TestStoreOfManyVolumes(t *testing.T) {
	ctx := context.Background()
	s := esxsim.NewMemStore(seam.Real(), false, "ds1")
	at := func(i int) esxsim.Volume {
		return esxsim.Volume{Datastore: "ds1", Vmgroup: esxsim.DefaultVmgroupUUID, Name: fmt.Sprintf("v%03d", i)}
	}
	const most = 40
	for i := range most {
		_, err := s.CreateDisk(ctx, at(i), 1<<20, esxsim.Thin)
		require.NoError(t, err)
		require.NoError(t, s.WriteMeta(ctx, at(i), fmt.Append(nil, i)))
		names, err := s.List(ctx, "ds1", esxsim.DefaultVmgroupUUID)
		require.NoError(t, err)
		require.Len(t, names, i+1)
		_, err = s.CreateDisk(ctx, at(i/2), 1<<20, esxsim.Thin)
		require.ErrorIs(t, err, esxsim.ErrExist)
	}
	for i := range most {
		text, err := s.ReadMeta(ctx, at(i))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(i), string(text))
		require.NoError(t, s.DeleteDisk(ctx, at(i)))
		_, err = s.ReadMeta(ctx, at(i))
		require.NoError(t, err, "the sidecar of a volume outlives its disk")
		require.NoError(t, s.DeleteMeta(ctx, at(i)))
		_, err = s.ReadMeta(ctx, at(i))
		require.ErrorIs(t, err, esxsim.ErrNotExist)
		require.Len(t, s.Disks(), most-1-i)
	}
}
