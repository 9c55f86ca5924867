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

# slowly COMMAND... - writes no more than 2 MiB a second to the disk
slowly() { bash -c "echo \$\$ > $SLOW/cgroup.procs; exec \"\$@\"" - "$@"; }

# A direct write that takes two seconds, over pages that come last in it. Whatever is
# pinned again, and made dirty, before it has ended was read before it was written.
direct_write() {
	local begun ms
	name="$fs, direct write"
	zeroes file 1024
	begin $((4 * MIB))
	pinned $((4 * MIB - LEN)) 21
	begun=${EPOCHREALTIME/./}
	ok "$name: it is written" slowly \
		xfs_io -d -c "pwrite -q -b 4m -S 22 0 4m" "$SCRATCH/file"
	ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
	ok "$name: that takes much longer than the hold-off" test $ms -ge 500
	diag "$ms ms"
	told writeback-other
	back
	fsynced
	ok "$name: that is what is on the disk" on_disk file $((4 * MIB)):22
	back
	is "$name: the device writes again" "$(h A dma 0 0 $LEN 23)" ok
	fsynced
	ok "$name: that too" on_disk file $((4 * MIB - LEN)):22 $LEN:23
	stop A B
}

ok "core and driver" modules
# Asking is not what is tested here.
ok "nobody is asked" revokectl policy set reason writeback-sync grace 0
echo +io > /sys/fs/cgroup/cgroup.subtree_control
mkdir $SLOW
echo "$(lsblk -ndo MAJ:MIN "$DATA" | tr -d ' ') wbps=2097152" > $SLOW/io.max

for fs in ext4 xfs btrfs; do
	ok "$fs: on the data disk" scratch $fs
	direct_write
done
rmdir $SLOW
nothing_left
done_testing
