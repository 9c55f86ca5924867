#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Nobody calls fsync, but the kernel writes old data back all the time. A file that
# RDMA writes into is left out while its server is busy: nothing is taken from it, its
# client goes on, and other files are not held up. When the server has answered,
# the file is written, too.
#
# Must never sync: the flusher is the only one who writes.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"
. "${0%/*}/lib-rdma.sh"

vm=/proc/sys/vm
expire=$(cat $vm/dirty_expire_centisecs)
stopped() { grep -q '^State:.T' "/proc/$server/status"; }
asked() { [[ $(revokectl -j request show) == *writeback-background* ]]; }
# blocks_of FILE - "first block, how many" of the disk for each piece of it
blocks_of() {
	filefrag -v -b4096 "$1" | sed -n 's/^ *[0-9]*:[^:]*: *\([0-9]*\)\.\.[^:]*: *\([0-9]*\):.*/\1 \2/p'
}
# on_disk BLOCKS - something else than zeros is there
on_disk() {
	local first count
	while read -r first count; do
		dd if="$DATA" bs=4096 iflag=direct skip="$first" count="$count" status=none
	done <<< "$1" | tr -d '\0' | grep -qz .
}
# The client's last word about each slot, see slot.h: it writes one twice only
# when raw-check has seen it.
all_completed() { od -An -v -t u8 -j 40 -w16 "$STATE" | awk '!$1 { exit 1 }'; }
given() { [[ $(revokectl -j pin show) == *'"state":"active"'*'"revoked":'[1-9]* ]]; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "our soft-RoCE driver" rxe_up
revokectl policy set reason writeback-background skip 60000
new_file neighbour 16 || bail "no file in one piece"
neighbour=$(blocks_of "$SCRATCH/neighbour")
echo 50 > $vm/dirty_expire_centisecs

narrate
rdma_start
is "RDMA into a file" $? 0
file=$(blocks_of "$SCRATCH/file")
kill -STOP "$server"
ok "its server is busy" wait_for 10 stopped
head -c 65536 /dev/urandom | dd of="$SCRATCH/neighbour" conv=notrunc status=none
echo 50 > $vm/dirty_writeback_centisecs
ok "the flusher asks for the file" wait_for 20 asked
ok "and writes the one beside it" wait_for 20 on_disk "$neighbour"
ok "the client writes all of its file" wait_for 30 all_completed
refused "and nothing of that is on the disk" '^$' on_disk "$file"
like "nothing was taken" "$(revokectl -j pin show)" '*"state":"asked"*"revoked":0,"forced":0*'
echo "the server is no longer busy" >&3
kill -CONT "$server"
ok "the file is given, and comes back" wait_for 30 given
like "it was not forced" "$(revokectl -j pin show)" '*"forced":0*'
rdma_check --rounds 1 --interval 0 --no-fsync
rdma_end
narrate_end
echo 0 > $vm/dirty_writeback_centisecs
echo "$expire" > $vm/dirty_expire_centisecs
is "all of it is on the disk, and nobody has called fsync" "$verdict" "lost 0, torn 0"
is "raw-check says so" "$check_status" 0
is "the client ended well" "$client_status" 0
is "the server ended well" "$server_status" 0
ok "it was asked and answered" grep -q 'writeback-background.*said QUIESCED' "$server_log"
ok "everything unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
