package linuxguest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/linuxguest"
)

var errNotBlock = syscall.ENOTBLK

const mib = 1 << 20

// image is a disk with few bytes that are not zero; it can be of any size.
type image struct {
	size  int64
	parts map[int64]string
	bad   int64 // reads that touch this offset fail, if > 0
}

func (m image) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	n := min(int64(len(p)), m.size-off)
	if m.bad > 0 && off <= m.bad && m.bad < off+n {
		return 0, syscall.EIO
	}
	for at, s := range m.parts {
		for i := range len(s) {
			if o := at + int64(i) - off; o >= 0 && o < n {
				p[o] = s[i]
			}
		}
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// extSuper is a superblock of ext with the given features.
func extSuper(compat, incompat, roCompat uint32) string {
	sb := make([]byte, 256)
	le := binary.LittleEndian
	le.PutUint32(sb[0x00:], 25584)
	le.PutUint32(sb[0x04:], 102400)
	le.PutUint16(sb[0x38:], 0xef53)
	le.PutUint32(sb[0x4c:], 1)
	le.PutUint32(sb[0x5c:], compat)
	le.PutUint32(sb[0x60:], incompat)
	le.PutUint32(sb[0x64:], roCompat)
	return string(sb)
}

func TestProbeSignatures(t *testing.T) {
	const (
		size = 100 * mib
		mbr  = "\x55\xaa"
		gpt  = "EFI PART"
		part = "\x80\x01\x01\x00\x83"
		md   = "\xfc\x4e\x2b\xa9"
	)
	ext4 := extSuper(0x3c, 0x2c2, 0x46b)
	for _, c := range []struct {
		name  string
		parts map[int64]string
		want  string
	}{
		{"blank", nil, ""},
		{"ext2", map[int64]string{1024: extSuper(0x38, 0x2, 0x3)}, "ext2"},
		{"ext3", map[int64]string{1024: extSuper(0x3c, 0x2, 0x3)}, "ext3"},
		{"ext3 that needs replay", map[int64]string{1024: extSuper(0x3c, 0x6, 0x3)}, "ext3"},
		{"ext4", map[int64]string{1024: ext4}, "ext4"},
		{"ext4 without journal", map[int64]string{1024: extSuper(0x38, 0x2c2, 0x46b)}, "ext4"},
		{"journal", map[int64]string{1024: extSuper(0, 0x8, 0)}, "an ext journal"},
		{"ext magic alone", map[int64]string{1080: "\x53\xef"}, "unknown data"},
		{"ext4, boot loader", map[int64]string{1024: ext4, 0: "\xeb\x58", 510: mbr}, "ext4"},
		{"ext4, partitions", map[int64]string{1024: ext4, 446: part, 510: mbr}, "ext4 and a partition table (MBR)"},
		{"ext4, file that looks like a swap and a GPT", map[int64]string{1024: ext4, 65526: "SWAPSPACE2", size - 512: gpt}, "ext4"},
		{"xfs", map[int64]string{0: "XFSB"}, "xfs"},
		{"xfs, mkfs at work", map[int64]string{0: "XFSB", 126: "\x01"}, "an unfinished xfs"},
		{"btrfs", map[int64]string{65600: "_BHRfS_M"}, "btrfs"},
		{"btrfs, mkfs at work", map[int64]string{65600: "!BHRfS_M"}, "an unfinished btrfs"},
		{"two file systems", map[int64]string{1024: ext4, 65600: "_BHRfS_M"}, "ext4 and btrfs"},
		{"swap", map[int64]string{4086: "SWAPSPACE2"}, "swap"},
		{"swap of 64 KiB pages", map[int64]string{65526: "SWAPSPACE2"}, "swap"},
		{"LVM", map[int64]string{512: "LABELONE"}, "an LVM physical volume"},
		{"LUKS", map[int64]string{0: "LUKS\xba\xbe"}, "LUKS"},
		{"LUKS2, first header lost", map[int64]string{16384: "SKUL\xba\xbe"}, "LUKS"},
		{"md 1.2", map[int64]string{4096: md}, "RAID metadata"},
		{"md 1.0", map[int64]string{size - 8192: md}, "RAID metadata"},
		{"md 0.90", map[int64]string{size - 65536: md}, "RAID metadata"},
		{"MBR", map[int64]string{446: part, 510: mbr}, "a partition table (MBR)"},
		{"MBR without partitions", map[int64]string{510: mbr}, "a partition table (MBR)"},
		{"GPT", map[int64]string{510: mbr, 512: gpt}, "a partition table (GPT)"},
		{"GPT, 4 KiB sectors", map[int64]string{510: mbr, 4096: gpt}, "a partition table (GPT)"},
		{"GPT, second only", map[int64]string{size - 512: gpt}, "a partition table (GPT)"},
		{"GPT, second only, 4 KiB sectors", map[int64]string{size - 4096: gpt}, "a partition table (GPT)"},
		{"ntfs", map[int64]string{3: "NTFS    ", 510: mbr}, "ntfs"},
		{"exfat", map[int64]string{3: "EXFAT   ", 510: mbr}, "exfat"},
		{"fat16", map[int64]string{54: "FAT16   ", 510: mbr}, "vfat"},
		{"fat32", map[int64]string{82: "FAT32   ", 510: mbr}, "vfat"},
		{"iso9660", map[int64]string{32769: "CD001"}, "iso9660"},
		{"first byte", map[int64]string{0: "x"}, "unknown data"},
		{"last byte", map[int64]string{size - 1: "x"}, "unknown data"},
		{"end of the first 128 KiB", map[int64]string{128<<10 - 1: "x"}, "unknown data"},
		{"begin of the last 64 KiB", map[int64]string{size - 64<<10: "x"}, "unknown data"},
		{"second superblock of ext", map[int64]string{8*mib + 1024 + 56: "\x53\xef"}, "unknown data"},
		{"second superblock of btrfs", map[int64]string{64*mib + 64: "_BHRfS_M"}, "unknown data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := linuxguest.Content(t.Context(), image{size: size, parts: c.parts}, size)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestProbeSizes(t *testing.T) {
	for _, size := range []int64{1, 511, 512, 1025, 4096, 65536 + 68, mib - 1, mib, mib + 1, 64*mib + 1, 64*mib + 4096, 1 << 40} {
		got, err := linuxguest.Content(t.Context(), image{size: size}, size)
		require.NoError(t, err, size)
		require.Empty(t, got, size)
		for _, at := range []int64{0, size / 2, size - 1} {
			got, err = linuxguest.Content(t.Context(), image{size: size, parts: map[int64]string{at: "\x01"}}, size)
			require.NoError(t, err, size)
			if at != size/2 || size <= 2*mib {
				require.Equal(t, "unknown data", got, "size %d, byte %d", size, at)
			}
		}
	}
	_, err := linuxguest.Content(t.Context(), image{}, 0)
	require.Error(t, err, "a disk without bytes is no blank disk")
}

// What cannot be read is not blank.
func TestProbeReadErrors(t *testing.T) {
	const size = 300 << 30
	for _, bad := range []int64{1, mib - 1, 8*mib + 1024, 64 * mib, 128 * mib, 256 << 30, size - 1} {
		_, err := linuxguest.Content(t.Context(), image{size: size, bad: bad}, size)
		require.ErrorIs(t, err, syscall.EIO, "offset %d", bad)
	}
	_, err := linuxguest.Content(t.Context(), image{size: size - 1}, size) // it shrank
	require.ErrorIs(t, err, io.EOF)

	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err = linuxguest.Content(ctx, image{size: size}, size)
	require.ErrorIs(t, err, why)
}

func TestProbeRefusesFile(t *testing.T) {
	_, g := newTree(t)
	_, err := g.Probe(t.Context(), sparse(t, mib))
	require.ErrorIs(t, err, errNotBlock)
}

// What mkfs really writes, as far as it is installed.
func TestProbeRealFilesystems(t *testing.T) {
	for _, c := range []struct {
		want string
		mkfs []string
	}{
		{"ext2", []string{"mkfs.ext2", "-q", "-F"}},
		{"ext3", []string{"mkfs.ext3", "-q", "-F"}},
		{"ext4", []string{"mkfs.ext4", "-q", "-F"}},
		{"ext4", []string{"mkfs.ext4", "-q", "-F", "-O", "^has_journal"}},
		{"xfs", []string{"mkfs.xfs", "-q"}},
		{"btrfs", []string{"mkfs.btrfs", "-q"}},
		{"vfat", []string{"mkfs.vfat"}},
		{"swap", []string{"mkswap", "-q"}},
	} {
		t.Run(c.mkfs[0], func(t *testing.T) {
			program := lookTool(t, c.mkfs[0])
			path := sparse(t, 320*mib)
			out, err := exec.Command(program, append(c.mkfs[1:], path)...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			f, err := os.Open(path)
			require.NoError(t, err)
			defer f.Close()
			got, err := linuxguest.ProbeFile(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func sparse(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, size))
	return path
}

func lookTool(t *testing.T, program string) string {
	t.Helper()
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err == nil {
			return filepath.Join(dir, program)
		}
	}
	t.Skipf("%s is not installed (Debian: apt-get install e2fsprogs xfsprogs btrfs-progs dosfstools)", program)
	return ""
}

// FuzzProbe: no input panics or calls bytes that are not zero blank.
func FuzzProbe(f *testing.F) {
	f.Add([]byte{}, uint16(0))
	f.Add([]byte(extSuper(0x3c, 0x2c2, 0x46b)), uint16(1024))
	f.Add([]byte("EFI PART"), uint16(512))
	f.Add([]byte("SWAPSPACE2"), uint16(4086))
	f.Add([]byte("\xfc\x4e\x2b\xa9"), uint16(4096))
	f.Fuzz(func(t *testing.T, data []byte, off uint16) {
		disk := append(make([]byte, off), data...)
		got, err := linuxguest.Content(t.Context(), bytes.NewReader(disk), int64(len(disk)))
		if len(disk) == 0 {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		if len(disk) <= mib {
			require.Equal(t, len(bytes.Trim(data, "\x00")) == 0, got == "", "found %q", got)
		}
	})
}
