#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
#
# Every kind of RDMA operation over a file on ext4 while the file is synced: see
# rxe-ops.c, rxe-lossy.c and rxe-parked.c; which parts of a region come back:
# rxe-chunks.c; and what must not be registered: rxe-bad.c. The driver is ours, and so
# is the peer.
#
# Must never test the library: only verbs and the kernel.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-rdma.sh"

met_revoked() { [ "$(cat $parameters/revoked_hits)" != "$1" ]; }
no_pins() { [ "$(revokectl -j pin show)" = '[]' ]; }

ok "a file system" scratch ext4
ok "soft-RoCE with revocable regions" rxe_up

points "fsync and " rxe-ops "$SCRATCH/file" ops
points "fsync and " rxe-lossy "$SCRATCH/file"
points "one fsync: " rxe-ops "$SCRATCH/file" rnr
points "fsync and " rxe-parked "$SCRATCH/file"
points "chunks: " rxe-chunks "$SCRATCH/big" "$(basename "$(readlink -f "$DATA")")"
points "munmap: " rxe-ops "$SCRATCH/file" gone
points "bad: " rxe-bad "$SCRATCH/file" /dev/disk/by-id/virtio-out
is "bad: no pin is left" "$(revokectl -j pin show)" '[]'

# With this option a peer that cannot wait hears of it at once.
parameters=/sys/module/rdma_rxe/parameters
option=$parameters/revoked_access
is "regions wait by default" "$(cat $option)" wait
refused "an unknown way to answer is refused" "Invalid argument" \
	bash -c "echo never > $option"
echo error > $option
points "revoked_access=error: " rxe-ops "$SCRATCH/file" error
echo wait > $option

# serve - starts a program, in $program; it has met a revoked region
serve() {
	local before
	before=$(cat $parameters/revoked_hits)
	"$dir/rxe-ops" "$SCRATCH/file" ops > /run/killed 2>&1 &
	program=$!
	wait_for 60 met_revoked "$before"
}

# Programs that die while they are served: nothing of them stays behind.
killed=0
for _ in 1 2 3 4 5; do
	serve || break
	kill -KILL $program
	wait $program 2>/dev/null
	killed=$((killed + 1))
done
is "a program killed while its region is revoked" $killed 5
serve
before=$(cat $parameters/revoked_hits)
rdma link delete rxe0 &
deletion=$!
# It waits for the program, whose region is taken meanwhile, and comes back.
ok "the device goes on until its program has ended" wait_for 60 met_revoked "$before"
kill -KILL $program
wait $deletion
is "the device deleted while a region is revoked" $? 0
wait $program 2> /dev/null
ok "none of their pins stays" wait_for 30 no_pins
ok "a new device" rdma link add rxe0 type rxe netdev rdma0

ok "the file system can be left" umount "$SCRATCH"
ok "everything can be unloaded" rxe_down
done_testing
