#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The demo's scene can fail: with a wrap that returns 0 instead of writing, and
# with a quiesce that does nothing, raw-check must find losses. It needs the
# build of pin_revoke that can be told to be broken.
#
# Must never leave that build loaded.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

ok "ext4 on the data disk" scratch ext4
for fault in skip-sync no-quiesce; do
	ok "$fault: the broken core loads" insmod /pr/modules/fault/pin_revoke.ko "fault=$fault"
	ok "$fault: soft-RoCE" rxe_up
	narrate
	# Nobody pauses the writes, and the next fsync comes before the pin is back.
	rdma_write_and_check --no-librevoke -- --rounds 5 --interval 0.01
	narrate_end
	is "$fault: raw-check finds it" "$check_status" 1
	diag "$verdict"
	ok "$fault: everything unloads" rxe_down
done
ok "the file system can be left" umount "$SCRATCH"
done_testing
