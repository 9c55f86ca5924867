#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# A lazy pin comes back in chunks of 2 MiB, where the device accesses it: what it does
# not touch is not dirty again, is not written again, and is in nobody's way.
#
# Must never take "not back" for granted before what was accessed is.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
MIB=1048576

# device OFFSET LEN VALUE - it tries until its pages are there
device() { [ "$(h A dma 0 "$@")" = ok ]; }
pinned_mib() { revokectl -j stat show | sed 's/.*"pinned_bytes":\([0-9]*\).*/\1/' | awk '{ print $1 / 1048576 }'; }
# synced - B's fsync; sets written to what it has written to the disk, in KiB
synced() {
	local before
	before=$(awk '{ print $7 }' "$stat")
	like "$1: fsync" "$(h B fsync 0)" 'ok ms=*'
	written=$((($(awk '{ print $7 }' "$stat") - before) / 2))
	diag "$written KiB written"
}

ok "ext4 on the data disk" scratch ext4 -b 4096
stat=/sys/block/$(basename "$(readlink -f "$DATA")")/stat
ok "core and driver" modules
new_file file 2048 || bail "no file in one piece"
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" $((8 * MIB)) shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" $((8 * MIB)) shared)" ok
like "A pins all of it" "$(h A pin 0 0+0 $((8 * MIB)) wl)" 'ok fd=*'
is "first: all is there" "$(pinned_mib)" 8
is "first: the device writes everywhere" "$(h A dma 0 0 $((8 * MIB)) 1)" ok
synced first
ok "first: all is written" test $written -ge 8192
is "first: the disk has it" "$(raw 0 2048)" 1

is "one: the device has no pages" "$(h A dma 0 $((3 * MIB)) 4096 2)" 'error EAGAIN'
ok "one: but soon" wait_for 20 device $((3 * MIB)) 4096 2
is "one: and not more than a chunk" "$(pinned_mib)" 2
synced one
ok "one: no more than that is written" test $written -le 3072
is "one: the disk has it" "$(raw 768 1)" 2
is "one: beside the rest" "$(raw 0 768) $(raw 769 1279)" "1 1"

ok "two: the device writes" wait_for 20 device $((3 * MIB)) 4096 3
like "two: the pin is there" "$(h A state 0)" 'ok live=1 quiesces=2 *'
ok "two: across chunks" wait_for 20 device $((6 * MIB - 4096)) 8192 3
is "two: three are there" "$(pinned_mib)" 6
like "two: without being taken" "$(h A state 0)" 'ok live=1 quiesces=2 *'
like "two: B punches what is away" "$(h B punch 0 $((1 * MIB)) 4096)" 'ok ms=*'
like "two: nobody is disturbed" "$(h A state 0)" 'ok live=1 quiesces=2 *'
like "two: B punches what is there" "$(h B punch 0 $((5 * MIB)) 4096)" 'ok ms=*'
like "two: the pin is taken" "$(h A state 0)" 'ok *quiesces=3 *'
synced two
is "two: the disk has it" "$(raw 768 1) $(raw 1535 2)" "3 3"

is "listening: A listens" "$(h A listen 0)" ok
ok "listening: the device writes" wait_for 20 device 0 4096 4
revokectl policy set reason writeback-sync grace 15000
tell B fsync 0
asked=$(h A wait 0 release-soon $SOON)
is "listening: A gives it" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
like "listening: fsync goes on" "$(hear B)" 'ok ms=*'
like "listening: it is back" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "listening: without pages" "$(pinned_mib)" 0
like "listening: so nobody is asked" "$(h B fsync 0)" 'ok ms=*'
is "listening: nothing is open" "$(revokectl -j request show)" '[]'
ok "listening: the device writes" wait_for 20 device $((7 * MIB)) 4096 5
is "listening: into one chunk" "$(pinned_mib)" 2
is "listening: A listens no more" "$(h A close 0)" ok
synced last
is "last: the disk has it" "$(raw 1792 1)" 5
# What nobody accesses is told, too
is "cut off: A listens" "$(h A listen 0)" ok
ok "cut off: the device writes" wait_for 20 device $((7 * MIB)) 4096 6
tell B truncate 0 $((4 * MIB))
asked=$(h A wait 0 release-soon $SOON)
is "cut off: A gives it" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
like "cut off: that is done" "$(hear B)" 'ok *'
like "cut off: A is told" "$(h A wait 0 gone $SOON)" 'ok gone *'
is "cut off: A lets go" "$(h A unpin 0)" ok
like "away: A pins what is left" "$(h A pin 0 0+0 $((4 * MIB)) wl)" 'ok fd=*'
tell B fsync 0
asked=$(h A wait 0 release-soon $SOON)
is "away: A gives it" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
like "away: fsync goes on" "$(hear B)" 'ok ms=*'
like "away: it is back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "away: the device writes into one chunk" wait_for 20 device 0 4096 7
like "away: B cuts off what is away" "$(h B truncate 0 $((2 * MIB)))" 'ok ms=*'
like "away: A is told" "$(h A wait 0 gone $SOON)" 'ok gone *'
is "A lets go" "$(h A unpin 0)" ok
stop A B
nothing_left
done_testing
