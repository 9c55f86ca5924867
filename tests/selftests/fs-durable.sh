#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The demo's scene on every file system where writable pins are let through: what
# RDMA has written is on the disk when fsync returns, whatever the file and the
# regions in it look like. On DAX the disk is memory: that the writes are in it
# says little; that the processor's caches were flushed, fs-pins.sh sees.
#
# Must never read the file back through the file system.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

DISK=$DATA
exec 3>> "$LOG"
ok "there is persistent memory" pmem

# Today's answer for DAX, on all kernels
ok "the distribution's soft-RoCE driver" rxe_up stock
DATA=$PMEM
for fs in ext4-dax xfs-dax; do
	ok "$fs, stock driver: on the persistent memory" scratch $fs
	rdma_write_and_check --blocks 16 --no-librevoke -- --rounds 1
	is "$fs, stock driver: the registration is refused" "$server_status" 3
	ok "$fs, stock driver: because of DAX" grep -q "refused.*Operation not supported" "$server_log"
	ok "$fs, stock driver: the file system can be left" umount "$SCRATCH"
done
ok "it unloads" rxe_down

# scene NAME SERVER-OPTIONS
scene() {
	local name=$1
	shift
	rdma_write_and_check --blocks 512 "$@" -- --rounds 2 --interval 0.2
	is "$name: what was written is on the disk" "$verdict" "lost 0, torn 0"
	is "$name: all ended well" "$server_status $client_status $check_status" "0 0 0"
	diag "fsync took$(sed -n 's/.*fsync took\( [0-9]* ms\).*/\1/p' "$check_log" | paste -sd ' ')"
}

asked() {
	ok "$1: the server was asked and answered" \
		grep -q 'writeback-sync.*said QUIESCED after [0-9]* ms$' "$server_log"
}

ok "our soft-RoCE driver" rxe_up
for fs in ext4 xfs btrfs ext4-dax xfs-dax; do
	DATA=$DISK
	[[ $fs != *-dax ]] || DATA=$PMEM
	ok "$fs: on its disk" scratch $fs
	mountpoint -q "$SCRATCH" || bail "no $fs"
	scene "$fs, whole file"
	asked "$fs, whole file"
	scene "$fs, sparse file" --sparse
	asked "$fs, sparse file"
	scene "$fs, four regions" --mrs 4
	asked "$fs, four regions"
	scene "$fs, parts of pages" --offset 1234
	asked "$fs, parts of pages"
	scene "$fs, all of it and forced" --sparse --mrs 4 --offset 1234 --no-librevoke
	if [ $fs = btrfs ]; then
		# A page that changed while it was written does not match its sum.
		ok "$fs: the checksums are right" btrfs scrub start -B "$SCRATCH"
	fi
	ok "$fs: the file system can be left" umount "$SCRATCH"
done
ok "everything unloads" rxe_down
done_testing
