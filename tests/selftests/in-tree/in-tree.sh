#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# What the kernel's own core can do and the module cannot, see kernel/patches/README:
# counters, single folios that writeback leaves out, memory in one piece, DAX
# pins beside the range that is cut. Runs where tests/vm/series.sh puts that core.
#
# Must never pass with the module's core: it looks which one is loaded.
# shellcheck source=../lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=../lib-core.sh
. "${0%/*}/lib-core.sh"

SOON=20000	# for an event to arrive, ms
LEN=65536
cma=/sys/kernel/debug/cma
vm=/proc/sys/vm
counter() { awk -v name="pin_revoke_$1" '$1 == name { print $2 }' /proc/vmstat; }
frame_of() {	# NAME FILE - of the first page of that mapping
	local pid=${holder_pid[$1]} start entry
	start=$((16#$(awk -v f="$2" '$6 == f { sub("-.*", "", $1); print $1; exit }' "/proc/$pid/maps")))
	entry=$(dd if="/proc/$pid/pagemap" bs=8 skip=$((start / 4096)) count=1 status=none | od -An -t u8)
	echo $((entry & ((1 << 55) - 1)))
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
ok "it is the kernel's own core" grep -q 'pinr_contig_migrate.*\[pin_revoke\]' /proc/kallsyms
is "which wraps nothing" "$(grep -E 'pin_revoke|pinr_' /sys/kernel/tracing/enabled_functions)" ""
new_file file 64 || bail "no file in one piece"
start A
start B

# Counters, and what stands between pinned folios
is "A maps the file" "$(h A map 0 "$SCRATCH/file" 262144 shared)" ok
is "B has it, too" "$(h B map 0 "$SCRATCH/file" 262144 shared)" ok
is "A listens" "$(h A listen 0)" ok
before=$(counter call)
like "nothing pinned: fsync" "$(h B fsync 0)" 'ok ms=*'
is "nothing pinned: nobody is called" "$(counter call)" "$before"
like "A pins four pages" "$(h A pin 0 0+65536 16384 w)" 'ok fd=*'
like "A pins four more" "$(h A pin 1 0+98304 16384 w)" 'ok fd=*'
revokectl policy set reason writeback-background skip $((30000))
is "A writes between them" "$(h A touch 0+81920 16384 33)" ok
is "the device writes one" "$(h A dma 0 0 16384 34)" ok
is "the device writes the other" "$(h A dma 1 0 16384 35)" ok
skipped=$(counter skip)
echo 50 > $vm/dirty_expire_centisecs
echo 50 > $vm/dirty_writeback_centisecs
asked=$(h A wait 0 release-soon $SOON)
like "A is asked" "$asked" '*reason=writeback-background *'
ok "what is between them is written" wait_for 20 raw_is 20 4 33
echo 0 > $vm/dirty_writeback_centisecs
is "one pin's pages are not" "$(raw 16 4)" 0
is "nor the other's" "$(raw 24 4)" 0
ok "they were counted" test $(($(counter skip) - skipped)) -ge 8
ok "so was the call" test "$(counter call)" -gt "$before"
stop A
like "the rest is written by fsync" "$(h B fsync 0)" 'ok ms=*'
is "all of it: one" "$(raw 16 4)" 34
is "all of it: two" "$(raw 24 4)" 35

# The kernel's own selftest, where the kernel's source would have it
source=$(mktemp -d)
mkdir -p "$source"/tools/{net/ynl,testing/selftests/{mm,kselftest}} "$source/Documentation/netlink/specs"
ln -s /pr/ynl "$source/tools/net/ynl/pyynl"
ln -s /pr/pin-revoke.yaml "$source/Documentation/netlink/specs/"
ln -s /pr/tests/ksft.py "$source/tools/testing/selftests/kselftest/"
ln -s /pr/tests/pin_revoke.py "$source/tools/testing/selftests/mm/"
chmod 755 "$source"
chmod 777 "$SCRATCH"
said=$(cd "$SCRATCH" && setpriv --reuid 65534 --clear-groups \
	"$source/tools/testing/selftests/mm/pin_revoke.py" 2>&1)
is "its selftest passes, for nobody" "$?" 0
diag "$said"

# Memory in one piece: C is on the node whose memory is for that, mostly
echo 1 > $vm/drop_caches
new_file other 16 || bail "no file in one piece"
echo 1 > $vm/drop_caches
start C
is "C takes memory of the node" "$(h C bind 1)" ok
is "C maps the file" "$(h C map 0 "$SCRATCH/other" $LEN shared)" ok
is "C listens" "$(h C listen 0)" ok
like "C pins it" "$(h C pin 0 0+0 $LEN w)" 'ok fd=*'
is "the device writes" "$(h C dma 0 0 $LEN 51)" ok
area=$(grep -lE '^[0-9]+$' $cma/*/base_pfn | head -n 1)
area=${area%/*}
first=$(cat "$area/base_pfn") count=$(cat "$area/count")
frame=$(frame_of C "$SCRATCH/other")
diag "page $frame, area $first+$count"
ok "its pages are where such memory is" test $((frame - first)) -ge 0 -a $((frame - first)) -lt "$count"
revokectl policy set reason offline grace 15000
echo "$count" > "$area/alloc" &
event=$(h C wait 0 release-soon $SOON)
like "C is asked before it is taken" "$event" 'ok release-soon * reason=offline *'
is "C answers" "$(h C ack 0 "$(value request "$event")" 0 quiesced)" ok
wait $!
is "all of it is given" "$? $(cat "$area/used")" "0 $count"
like "C is told, not forced" "$(h C wait 0 revoked $SOON)" 'ok revoked *reason=offline forced=0 *'
like "the pin comes back" "$(h C wait 0 restored $SOON)" 'ok restored *'
frame=$(frame_of C "$SCRATCH/other")
ok "from elsewhere" test $((frame - first)) -lt 0 -o $((frame - first)) -ge "$count"
is "what the device wrote is there" "$(h C look 0+4096)" 'ok 51'
ok "the memory is free again" sh -c "echo $count > $area/free"
stop C

# DAX: who is beside the range keeps its pages; far enough away for huge ones
ok "there is memory that survives" pmem
stop B
ok "the first file system can be left" umount "$SCRATCH"
DATA=$PMEM
ok "ext4 with DAX" scratch ext4-dax -b 4096
zeroes dax 2048
start A
start B
is "DAX: A maps the file" "$(h A map 0 "$SCRATCH/dax" 8388608 shared)" ok
is "DAX: B has it" "$(h B map 1 "$SCRATCH/dax" 8388608 shared)" ok
like "DAX: A pins the beginning" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
like "DAX: A pins the end" "$(h A pin 1 0+8323072 $LEN w)" 'ok fd=*'
like "DAX: a hole in the end" "$(h B punch 1 8323072 $LEN)" 'ok ms=*'
like "DAX: the end was revoked" "$(h A state 1)" 'ok *quiesces=1 *'
like "DAX: the beginning was not" "$(h A state 0)" 'ok live=1 quiesces=0 *'
like "DAX: the file is cut" "$(h B truncate 1 6291456)" 'ok ms=*'
like "DAX: that is not at the beginning" "$(h A state 0)" 'ok live=1 quiesces=0 *'
# fallocate(1) would call fsync, too.
ok "DAX: something is inserted" xfs_io -c "finsert 4m 4k" "$SCRATCH/dax"
like "DAX: behind it" "$(h A state 0)" 'ok live=1 quiesces=0 *'
like "DAX: all of it is cut" "$(h B truncate 1 0)" 'ok ms=*'
ok "DAX: now it is gone" wait_for 20 state_like A 0 'ok live=0 *gones=1 *'
stop A B
nothing_left
done_testing
