#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
#
# The checker itself, with the distribution's own driver and on-demand paging,
# which keeps what it promises: an fsync is believed, no fsync is found out.
#
# Must never load a module of ours.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

ok "ext4 on the data disk" scratch ext4
# On-demand paging of rxe in 7.2 puts every packet of a WRITE at the start of the
# page; with one packet for each page that does no harm.
MTU=9000
ok "the distribution's soft-RoCE driver" rxe_up stock

# Only there the stock driver pages on demand.
if ibv_devinfo -v -d rxe0 | grep -qw SUPPORT_WRITE; then
	narrate
	rdma_write_and_check --odp -- --rounds 3
	narrate_end
	is "with fsync nothing is lost or torn" "$verdict" "lost 0, torn 0"
	is "raw-check says so" "$check_status" 0
	is "the client ended well" "$client_status" 0
	is "the server ended well" "$server_status" 0

	narrate
	rdma_write_and_check --odp -- --rounds 2 --interval 0.5 --no-fsync
	narrate_end
	is "without fsync raw-check finds losses" "$check_status" 1
	diag "$verdict"
else
	for point in "with fsync nothing is lost or torn" "raw-check says so" \
		"the client ended well" "the server ended well" \
		"without fsync raw-check finds losses"; do
		skip "$point" "no on-demand paging"
	done
fi

head -c 8192 /dev/zero > /dev/shm/zeroes
: > "$SCRATCH/hole"
truncate -s 1M "$SCRATCH/hole"
refused "a disk that is not the file's" "not on that disk" \
	raw-check "$SCRATCH/hole" --disk /dev/disk/by-id/virtio-out --state /dev/null
refused "a file system whose extents are not disk addresses" "neither on ext4, xfs nor btrfs" \
	raw-check /dev/shm/zeroes --disk "$DATA" --state /dev/null
refused "no state" "No such file" \
	raw-check "$SCRATCH/hole" --disk "$DATA" --state /dev/shm/nothing
refused "a state that is none" "not the state of an rdma-file client" \
	raw-check "$SCRATCH/hole" --disk "$DATA" --state /dev/shm/zeroes
refused "a port that is none" "Servname|service" \
	rdma-file client --connect 127.0.0.1:none --state /dev/shm/x
refused "a device that is none" "rxe7: No such device" \
	rdma-file client --dev rxe7 --connect 127.0.0.1:18515 --state /dev/shm/x
refused "no blocks" "bad number of blocks: 0" \
	rdma-file server "$SCRATCH/file" --blocks 0
refused "too many regions" "bad number of regions: 65" \
	rdma-file server "$SCRATCH/file" --mrs 65
refused "regions of different sizes" "do not divide" \
	rdma-file server "$SCRATCH/file" --blocks 10 --mrs 3

ok "the driver unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
