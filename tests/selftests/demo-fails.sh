#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The demo's scene can fail: with a wrap that returns 0 instead of writing, and
# with a quiesce that does nothing, raw-check must find losses, and none with the
# same build of pin_revoke when it is not told to be broken. The server answers
# nobody, so that writes are in flight when the pin is taken.
#
# Must never leave that build loaded.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

ok "ext4 on the data disk" scratch ext4
faults=("no fault" "no write" "no quiesce")
for nr in "${!faults[@]}"; do
	fault=${faults[nr]}
	ok "$fault: the core that can break loads" insmod /pr/modules/fault/pin_revoke.ko fault="$nr"
	ok "$fault: soft-RoCE" rxe_up
	narrate
	rdma_write_and_check --no-librevoke -- --rounds 4 --interval 0.5
	narrate_end
	if [ "$nr" = 0 ]; then
		is "$fault: raw-check finds nothing" "$verdict" "lost 0, torn 0"
	else
		is "$fault: raw-check finds losses" "$check_status" 1
	fi
	ok "$fault: everything unloads" rxe_down
done
ok "the file system can be left" umount "$SCRATCH"
done_testing
