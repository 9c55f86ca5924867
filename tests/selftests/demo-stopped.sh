#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# A holder that does not answer: the server of the demo is stopped (SIGSTOP) while
# its file is written by RDMA, and somebody calls fsync. He waits for the grace and
# no longer, the pin is forced, the data is on the disk, and an administrator sees
# who did not answer. The next one does not wait at all.
#
# Must never have the server answer before fsync has returned.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"
. "${0%/*}/lib-rdma.sh"

grace=1000
stopped() { grep -q '^State:.T' "/proc/$server/status"; }
listening() { grep -q LISTENING /run/out/monitor-stopped; }
fsync_ms() { sed -n "s/.* round $1: fsync took \([0-9]*\) ms;.*/\1/p" "$check_log"; }

ok "ext4 on the data disk" scratch ext4
ok "our soft-RoCE driver" rxe_up
grace $grace

narrate
revokectl monitor > >(tee /run/out/monitor-stopped >&3) 2>&1 &
monitor=$!
ok "the monitor listens" wait_for 10 listening
rdma_start --blocks 256
is "RDMA into a file" $? 0
kill -STOP "$server"
ok "its server is stopped" wait_for 10 stopped
echo "the server is stopped, and somebody calls fsync" >&3
rdma_check --rounds 2 --interval 1
forced=$(revokectl -j pin show)
kill -CONT "$server"
rdma_end
kill $monitor
wait $monitor
narrate_end

between "fsync returns within the grace and half a second" "$(fsync_ms 1)" 950 1500
between "the next does not wait for him" "$(fsync_ms 2)" 0 500
is "nothing is lost" "$verdict" "lost 0, torn 0"
is "raw-check says so" "$check_status" 0
is "the client ended well" "$client_status" 0
is "so did the server, when it went on" "$server_status" 0
like "the pin was forced each time" "$forced" '*"revoked":2,"forced":2*'
like "the monitor names who was asked" "$(grep RELEASE_SOON /run/out/monitor-stopped | head -n 1)" \
	"*writeback-sync * rdma-file/$server *[(]raw-check/*"
like "and that it did not answer" "$(grep REVOKED /run/out/monitor-stopped | head -n 1)" \
	"*writeback-sync forced * rdma-file/$server *"
refused "nobody answered meanwhile" '^$' grep ACKED /run/out/monitor-stopped
ok "everything unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
