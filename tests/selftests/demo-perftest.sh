#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# A program that never heard of us: perftest's ib_write_bw, as the distribution
# ships it, with a file for a buffer at both ends, while somebody calls sync all
# the time. It retries for ever when a region is not ready (its rnr_retry is 7),
# so it runs to its end without an error.
#
# Must never give perftest an option that makes it more patient.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"
. "${0%/*}/lib-rdma.sh"

trace=/sys/kernel/tracing
bw() { timeout $((200 * ${VM_SLOW:-1})) ib_write_bw -d rxe0 -F -n 100 -s 65536 "$@"; }
listening() { ss -ltnH 'sport = :18515' | grep -q . ; }
sync_all_the_time() { while :; do sync; done; }
# times WHAT - how often, for the pin that it happened to least; none if for one
times() {
	sed -n "s/.*pin_revoke_\(state\|restore\): pin=\([0-9]*\) $1\$/\2/p" "$trace/trace" |
		sort | uniq -c | awk '{ n++; if (!least || $1 < least) least = $1 }
			END { print n == 2 ? least : 0 }'
}

ok "ext4 on the data disk" scratch ext4
ok "our soft-RoCE driver" rxe_up
truncate -s 1M "$SCRATCH/to" "$SCRATCH/from"
echo 1 > $trace/events/pin_revoke/enable
sync_all_the_time &
syncs=$!

narrate
bw --mmap="$SCRATCH/to" >&3 2>&1 &
to=$!
ok "one end listens" wait_for 60 listening
bw --mmap="$SCRATCH/from" 127.0.0.1 >&3 2>&1
is "the other runs to its end" $? 0
wait $to
is "so does the first" $? 0
{ kill $syncs; wait $syncs; } 2>/dev/null
narrate_end
echo 0 > $trace/events/pin_revoke/enable

revoked=$(times "state=.*->3 reason=.*") restored=$(times "err=0")
ok "both regions were taken meanwhile" test "$revoked" -ge 1
ok "and came back" test "$restored" -ge 1
diag "each taken at least $revoked times, restored at least $restored times"
ok "everything unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
