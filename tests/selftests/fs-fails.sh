#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# fs-durable.sh can fail, on xfs and btrfs too: as demo-fails.sh, with the core
# that can be told to be broken. With DAX there is no copy that could be lost.
#
# Must never leave that build loaded.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

exec 3>> "$LOG"
ok "the core that can break loads" insmod /pr/modules/fault/pin_revoke.ko
ok "soft-RoCE" rxe_up
faults=("no fault" "no write" "no quiesce")
for fs in xfs btrfs; do
	for nr in "${!faults[@]}"; do
		name="$fs, ${faults[nr]}"
		ok "$name: on the data disk" scratch $fs
		echo "$nr" > /sys/module/pin_revoke/parameters/fault
		rdma_write_and_check --no-librevoke -- --rounds 3 --interval 0.4
		if [ "$nr" = 0 ]; then
			is "$name: raw-check finds nothing" "$verdict" "lost 0, torn 0"
		else
			is "$name: raw-check finds losses" "$check_status" 1
		fi
		diag "$verdict"
	done
	ok "$fs: the file system can be left" umount "$SCRATCH"
done
ok "everything unloads" rxe_down
done_testing
