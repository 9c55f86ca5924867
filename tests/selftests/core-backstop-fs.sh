#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# What file systems do to the pages of a pin without asking: direct writes over
# them, transactions that write data first or along with them, extents that are
# exchanged, snapshots, a shutdown. Nothing is lost: neither what the device wrote
# before, nor what anybody else did.
#
# Must never read a file back through the file system to see what is on disk.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=20000	# for an event to arrive, ms
LEN=65536
MIB=1048576
SLOW=/sys/fs/cgroup/slow

# begin - A has region 0, listens, and has pinned its first 16 pages; B has the file
begin() {
	start A
	start B
	is "$name: A maps it" "$(h A map 0 "$SCRATCH/file" "${1:-$LEN}" shared)" ok
	is "$name: B has it" "$(h B map 0 "$SCRATCH/file" "${1:-$LEN}" shared)" ok
	is "$name: A listens" "$(h A listen 0)" ok
}
pinned() {
	like "$name: A pins" "$(h A pin 0 "0+$1" $LEN w)" 'ok fd=*'
	is "$name: the device writes" "$(h A dma 0 0 $LEN "$2")" ok
}
told() {
	like "$name: taken, and A is told" "$(h A wait 0 revoked $SOON)" \
		"ok revoked *reason=$1 forced=1 *"
}
back() { ok "$name: the pin comes back" wait_for 30 state_like A 0 'ok live=1 *'; }
fsynced() { like "$name: fsync" "$(h B fsync 0)" 'ok ms=*'; }

# slowly COMMAND... - writes no more than 1 MiB a second to the disk
slowly() { bash -c "echo \$\$ > $SLOW/cgroup.procs; exec \"\$@\"" - "$@"; }

# A direct write that takes a second, over pages that come last in it. Whatever is
# pinned again, and made dirty, before it has ended was read before it was written.
direct_write() {
	local begun ms
	name="$fs, direct write"
	zeroes file 256
	begin $MIB
	pinned $((MIB - LEN)) 21
	begun=${EPOCHREALTIME/./}
	ok "$name: it is written" slowly \
		xfs_io -d -c "pwrite -q -b 1m -S 22 0 1m" "$SCRATCH/file"
	ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
	diag "$ms ms"
	# There kernel threads write, which nobody slows down.
	[ $fs = btrfs ] || ok "$name: that takes much longer than the hold-off" test $ms -ge 500
	told writeback-other
	back
	fsynced
	ok "$name: that is what is on the disk" on_disk file $MIB:22
	back
	is "$name: the device writes again" "$(h A dma 0 0 $LEN 23)" ok
	fsynced
	ok "$name: that too" on_disk file $((MIB - LEN)):22 $LEN:23
	stop A B
}

# A commit that is somebody else's business
commit() {
	ok "$name: a commit" xfs_io -f -c "pwrite -q 0 4096" -c fsync "$SCRATCH/other"
}

# What is allocated by a write fault is written before its transaction.
ordered() {
	name="ext4, data=ordered"
	ok "$name: mounted" remounted -o nodelalloc,nodioread_nolock
	rm "$SCRATCH/file"
	truncate -s $LEN "$SCRATCH/file"
	begin
	pinned 0 31
	commit
	told writeback-other
	ok "$name: it is on the disk, fsync or not" wait_for 20 on_disk file $LEN:31
	back
	is "$name: the device writes again" "$(h A dma 0 0 $LEN 32)" ok
	fsynced
	ok "$name: that too" on_disk file $LEN:32
	stop A B
}

# after_crash NAME LENGTH:VALUE - what the journal makes of the disk as it is now
after_crash() {
	dd if="$DATA" of=/run/image bs=1M iflag=direct conv=sparse status=none
	e2fsck -fy /run/image > /dev/null
	cmp <(debugfs -R "cat /$1" /run/image 2> /dev/null) \
		<(head -c "${2%:*}" /dev/zero | tr '\0' "\\$(printf %o "${2#*:}")")
}

journalled() {
	name="ext4, data=journal"
	ok "$name: mounted" remounted -o data=journal
	zeroes file 16
	begin
	pinned 0 41
	commit
	told writeback-other
	ok "$name: a crash would not lose it" after_crash file $LEN:41
	back
	is "$name: the device writes again" "$(h A dma 0 0 $LEN 42)" ok
	fsynced
	ok "$name: nor that" after_crash file $LEN:42
	stop A B
	rm /run/image
}

# Blocks are taken away from a file that is pinned, then from one that was.
moved_extents() {
	local was
	name="ext4, EXT4_IOC_MOVE_EXT"
	zeroes file 16
	zeroes donor 16
	was=$(place file 3)
	begin
	is "$name: B has the donor" "$(h B map 1 "$SCRATCH/donor" $LEN shared)" ok
	like "$name: A pins, until it is needed" "$(h A pin 0 0+0 $LEN wl)" 'ok fd=*'
	is "$name: the device writes" "$(h A dma 0 0 $LEN 51)" ok
	is "$name: not while it is dirty" "$(h B move-ext 0 1 $LEN)" 'error EBUSY'
	like "$name: the pin is left alone" "$(h A state 0)" 'ok live=1 quiesces=0 *'
	is "$name: the device writes on" "$(h A dma 0 0 $LEN 52)" ok
	fsynced
	ok "$name: it is on the disk" on_disk file $LEN:52
	is "$name: moved" "$(h B move-ext 0 1 $LEN)" 'ok moved=16'
	ok "$name: it is elsewhere" test "$(place file 3)" != "$was"
	fsynced
	ok "$name: it is on the disk there" on_disk file $LEN:52
	is "$name: the device needs it" "$(h A dma 0 0 $LEN 53)" 'error EAGAIN'
	back
	is "$name: and writes" "$(h A dma 0 0 $LEN 53)" ok
	fsynced
	ok "$name: that is on the disk there, too" on_disk file $LEN:53
	stop A B
}

# exchanged COMMAND - the whole contents of two files; the device's go with them
exchanged() {
	name="xfs, $1"
	zeroes file 16
	zeroes donor 16
	begin
	pinned 0 61
	is "$name: done" "$(xfs_io -c "$1 $SCRATCH/donor" "$SCRATCH/file" 2>&1)" ""
	told "@(writeback-other|invalidate)"
	ok "$name: the other file has it, on the disk" on_disk donor $LEN:61
	back
	is "$name: A sees the other's contents" "$(h A look 0+0)" 'ok 0'
	is "$name: the device writes into these" "$(h A dma 0 0 4096 62)" ok
	fsynced
	ok "$name: that is on the disk" on_disk file 4096:62 $((LEN - 4096)):0
	ok "$name: and not in the other file" on_disk donor $LEN:61
	stop A B
	rm "$SCRATCH/file" "$SCRATCH/donor"
}

snapshot() {
	name="btrfs, snapshot"
	zeroes file 16
	begin
	pinned 0 71
	ok "$name: taken" btrfs subvolume snapshot "$SCRATCH" "$SCRATCH/snapshot"
	told writeback-other
	back
	is "$name: the device writes again" "$(h A dma 0 0 $LEN 72)" ok
	fsynced
	ok "$name: that is in the file" on_disk file $LEN:72
	# Its extents are no longer shared; nobody has ever flushed this file.
	ok "$name: and what was written before in the snapshot" on_disk snapshot/file $LEN:71
	stop A B
}

busy() {
	name="$fs, busy"
	zeroes file 16
	begin
	pinned 0 81
	refused "$name: no umount" busy umount "$SCRATCH"
	refused "$name: not read-only" busy mount -o remount,ro "$SCRATCH"
	like "$name: the pin is left alone" "$(h A state 0)" 'ok live=1 quiesces=0 *'
	is "$name: the device writes on" "$(h A dma 0 0 $LEN 82)" ok
	fsynced
	ok "$name: it is on the disk" on_disk file $LEN:82
	stop A B
}

# One or the other of two writers is always at it, elsewhere in the file.
direct_writers() {
	local passes=()
	name="$fs, direct writers"
	for _ in {1..400}; do passes+=(-c "pwrite -q -b 16k -S 91 0 512k"); done
	zeroes file 256
	begin $MIB
	xfs_io -d "${passes[0]}" "${passes[1]}" "$SCRATCH/file"
	xfs_io -d "${passes[@]}" "$SCRATCH/file" &
	local writers=($!)
	xfs_io -d "${passes[@]}" "$SCRATCH/file" &
	writers+=($!)
	pinned $((MIB - LEN)) 92
	is "$name: dropped from the page table" "$(h A drop "0+$((MIB - LEN))" $LEN)" ok
	told invalidate
	back
	ok "$name: in the midst of it" kill "${writers[@]}"
	wait "${writers[@]}" 2> /dev/null
	is "$name: the device writes again" "$(h A dma 0 0 $LEN 93)" ok
	fsynced
	ok "$name: it is on the disk" on_disk file $((MIB / 2)):91 $((MIB / 2 - LEN)):0 $LEN:93
	stop A B
}

ok "core and driver" modules
# Asking is not what is tested here.
ok "nobody is asked" revokectl policy set reason writeback-sync grace 0
echo +io > /sys/fs/cgroup/cgroup.subtree_control
mkdir $SLOW
echo "$(lsblk -ndo MAJ:MIN "$DATA" | tr -d ' ') wbps=1048576" > $SLOW/io.max

for fs in ext4 xfs btrfs; do
	case $fs in
	ext4) ok "$fs: on the data disk" scratch ext4 -b 4096 ;;
	*) ok "$fs: on the data disk" scratch $fs ;;
	esac
	mountpoint -q "$SCRATCH" || bail "no $fs"
	direct_write
	direct_writers
	busy
	case $fs in
	ext4)
		moved_extents
		ordered
		journalled
		;;
	xfs)
		exchanged swapext
		if [ "$KERNEL" = 6.1 ]; then
			skip "xfs, exchangerange" "since 6.10"
		else
			ok "xfs, exchangerange: on the data disk" scratch xfs -i exchange=1
			exchanged exchangerange
		fi
		;;
	btrfs) snapshot ;;
	esac
done
rmdir $SLOW
nothing_left
done_testing
