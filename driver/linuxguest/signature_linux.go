package linuxguest

import (
	"encoding/binary"
	"slices"
)

// signatures names what the first and the last bytes of a disk look like: file systems by their bare name, the rest
// by a description. Layouts are from the headers that Linux keeps for them (ext4.h, xfs_format.h, btrfs_tree.h, swap.h,
// msdos_fs.h, efi.h, md_p.h) and the LVM and LUKS format descriptions.
func signatures(head, tail []byte) []string {
	var found []string
	add := func(name string) {
		if name != "" {
			found = append(found, name)
		}
	}
	add(ext(head))
	add(xfs(head))
	add(btrfs(head))
	// From here on, places that may hold the data of such a file system prove nothing beside it.
	free := len(found) == 0
	boot := bootSector(head)
	add(boot)
	if at(head, 0, "LUKS\xba\xbe") || at(head, 16<<10, "SKUL\xba\xbe") {
		add("LUKS")
	}
	if slices.ContainsFunc(firstSectors[:], func(off int) bool { return at(head, off, "LABELONE") }) {
		add("an LVM physical volume")
	}
	if free && at(head, 32769, "CD001") {
		add("iso9660")
	}
	if free && hasSwap(head) {
		add("swap")
	}
	if free && hasRAID(head, tail) {
		add("RAID metadata")
	}
	switch {
	case hasGPT(head) || free && backupGPT(tail):
		add("a partition table (GPT)")
	case at(head, 510, "\x55\xaa") && boot == "" && (free || hasEntries(head)):
		add("a partition table (MBR)")
	}
	return found
}

// firstSectors are where LVM may put its label.
var firstSectors = [...]int{0, 512, 1024, 1536}

// at says whether b holds the text at off.
func at(b []byte, off int, text string) bool {
	return off >= 0 && off+len(text) <= len(b) && string(b[off:off+len(text)]) == text
}

// ext tells ext2, ext3 and ext4 apart by their features, as libblkid and the kernel do.
func ext(head []byte) string {
	if len(head) < 2048 {
		return ""
	}
	sb := head[1024:2048]
	u16 := func(off int) uint16 { return binary.LittleEndian.Uint16(sb[off:]) }
	u32 := func(off int) uint32 { return binary.LittleEndian.Uint32(sb[off:]) }
	// The magic has two bytes only; random data must not pass for a file system that somebody asked for.
	if u16(0x38) != 0xef53 || u32(0x00) == 0 || u32(0x04) == 0 || u32(0x18) > 6 || u32(0x4c) > 1 {
		return ""
	}
	const (
		compatJournal    = 0x4
		incompatJournal  = 0x8         // a journal of its own, no file system
		ext2Incompat     = 0x2 | 0x10  // filetype, meta_bg
		ext3Incompat     = 0x4         // and a journal that needs replay
		ext2ReadOnly     = 0x1 | 2 | 4 // sparse_super, large_file, btree_dir
		offCompat        = 0x5c
		offIncompat      = 0x60
		offReadOnlyCompt = 0x64
	)
	compat, incompat, readOnly := u32(offCompat), u32(offIncompat), u32(offReadOnlyCompt)
	switch {
	case incompat&incompatJournal != 0:
		return "an ext journal"
	case readOnly&^ext2ReadOnly != 0 || incompat&^(ext2Incompat|ext3Incompat) != 0:
		return "ext4"
	case compat&compatJournal != 0:
		return "ext3"
	case incompat&ext3Incompat != 0: // replay without a journal
		return "a damaged ext file system"
	}
	return "ext2"
}

// xfs: mkfs.xfs sets a flag in the superblock while it is at work.
func xfs(head []byte) string {
	const inProgress = 126
	switch {
	case !at(head, 0, "XFSB"):
		return ""
	case len(head) > inProgress && head[inProgress] == 0:
		return "xfs"
	}
	return "an unfinished xfs"
}

// btrfs: mkfs.btrfs writes another magic while it is at work.
func btrfs(head []byte) string {
	const magic = 65536 + 64
	switch {
	case at(head, magic, "_BHRfS_M"):
		return "btrfs"
	case at(head, magic, "!BHRfS_M"):
		return "an unfinished btrfs"
	}
	return ""
}

// bootSector names the file systems of Windows, which live behind a boot sector that looks like a partition table.
func bootSector(head []byte) string {
	switch {
	case at(head, 3, "NTFS    "):
		return "ntfs"
	case at(head, 3, "EXFAT   "):
		return "exfat"
	case at(head, 54, "FAT") || at(head, 82, "FAT32"):
		return "vfat"
	}
	return ""
}

// hasSwap: the signature ends the first page, whose size depends on the machine that made it.
func hasSwap(head []byte) bool {
	for page := 4 << 10; page <= 64<<10; page *= 2 {
		if at(head, page-10, "SWAPSPACE2") || at(head, page-10, "SWAP-SPACE") {
			return true
		}
	}
	return false
}

// hasRAID looks for md superblocks: versions 1.1 and 1.2 at the beginning, 1.0 and 0.90 in the last 128 KiB, where
// exactly depends on the size of the disk.
func hasRAID(head, tail []byte) bool {
	const magic = "\xfc\x4e\x2b\xa9"
	if at(head, 0, magic) || at(head, 4096, magic) {
		return true
	}
	for back := 512; back <= 128<<10; back += 512 {
		if at(tail, len(tail)-back, magic) {
			return true
		}
	}
	return false
}

// gptMagic is at the second sector, and its copy at the last one; a sector has 512 or 4096 bytes.
const gptMagic = "EFI PART"

func hasGPT(head []byte) bool { return at(head, 512, gptMagic) || at(head, 4096, gptMagic) }

func backupGPT(tail []byte) bool {
	return at(tail, len(tail)-512, gptMagic) || at(tail, len(tail)-4096, gptMagic)
}

// hasEntries: a boot loader that wrote itself in front of a file system leaves the mark of an MBR but no partitions.
func hasEntries(head []byte) bool { return !zero(head[446:510]) }
