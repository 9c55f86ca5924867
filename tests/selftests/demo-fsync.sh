#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# The main job: RDMA into a file on ext4 while another process calls fsync every
# second, 5 rounds. After each fsync everything that was written before it is
# looked for on the raw disk. `make demo` shows this scene.
#
# Must never read the file back through the file system.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

ok "ext4 on the data disk" scratch ext4
ok "our soft-RoCE driver" rxe_up

narrate
revokectl monitor > >(tee /run/out/monitor >&3) 2>&1 &
monitor=$!
rdma_write_and_check -- --rounds 5 --interval 1
kill $monitor
wait $monitor
narrate_end

is "5 rounds" "$verdict" "lost 0, torn 0"
is "raw-check says so" "$check_status" 0
is "the client ended well" "$client_status" 0
is "the server ended well" "$server_status" 0
ok "the server was asked and answered" grep -q 'writeback-sync.*said QUIESCED after [0-9]* ms$' "$server_log"
ok "the client went on with the same key" grep -q 'restored: client goes on' "$server_log"
ok "the monitor saw it" grep -q writeback-sync /run/out/monitor
ok "everything unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
