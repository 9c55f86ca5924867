#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# A block of memory that holds pinned pages of a file goes offline: the holder is
# asked and answers, or is not there and the pin is forced; with a plain pin it
# does not. At last the DIMM is unplugged.
#
# A maps what is not in memory yet and may only use the node of the DIMM.
#
# Must never believe that the pages are in the block: looks where they are.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=20000	# for an event to arrive, ms
LEN=65536
memory=/sys/devices/system/memory
seen=0
block_size=$((16#$(cat $memory/block_size_bytes)))

# The DIMM's blocks are those that nobody has brought online at boot.
mapfile -t blocks < <(grep -l offline $memory/memory*/state | sed 's,/state$,,' | sort -V)
online() {
	local block
	for block in "${blocks[@]}"; do
		[ "$(cat "$block/state")" = online ] || echo online_movable > "$block/state" || return
	done
}
# offline BLOCK [SECONDS] - it goes, or a signal ends the attempt
offline() { timeout -s INT "${2:-60}" bash -c "echo offline > $1/state"; }

# find_pages - sets where A has mapped the file, and the block of its first page
find_pages() {
	local pid=${holder_pid[A]} entry
	start=$((16#$(awk -v f="$SCRATCH/file" '$6 == f { sub("-.*", "", $1); print $1; exit }' \
		"/proc/$pid/maps")))
	entry=$(dd if="/proc/$pid/pagemap" bs=8 skip=$((start / 4096)) count=1 status=none |
		od -An -t u8)
	block=$memory/memory$(((entry & ((1 << 55) - 1)) * 4096 / block_size))
}

# uncached_file - of 16 pages, none of them in memory
uncached_file() { new_file file 16 && echo 1 > /proc/sys/vm/drop_caches; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
is "there are two blocks to bring online" "${#blocks[@]}" 2
ok "they are online, for what can be moved" online
uncached_file || bail "no file in one piece"
start A
start B
is "A takes memory of that node" "$(h A bind 1)" ok
is "A maps the file" "$(h A map 0 "$SCRATCH/file" $LEN shared)" ok
is "B has the file" "$(h B map 0 "$SCRATCH/file" $LEN shared)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
is "the device writes" "$(h A dma 0 0 $LEN 51)" ok
find_pages
like "the pages are in such a block" " ${blocks[*]} " "* $block *"
for other in "${blocks[@]}"; do
	wanted='\[\]'
	[ "$other" != "$block" ] || wanted="\\[{\"id\":$(last_pin),*}\\]"
	like "a dry run knows what is in block $((++seen))" \
		"$(revokectl -j -n pin drain memory "${other##*/}")" "$wanted"
done
refused "a block that is not there" 'memory4711: No such file' revokectl pin revoke memory memory4711
refused "a block without a number" 'memory needs a number' revokectl pin revoke memory memory

revokectl policy set reason offline grace 15000
offline "$block" &
event=$(h A wait 0 release-soon $SOON)
like "A is asked" "$event" 'ok release-soon * reason=offline *'
is "it is not offline yet" "$(cat "$block/state")" going-offline
is "A answers" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
wait $!
is "the block is offline" "$? $(cat "$block/state")" "0 offline"
like "A is told, not forced" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=offline forced=0 *'
like "the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "what the device wrote is there" "$(h A look 0+4096)" 'ok 51'
is "the device writes again" "$(h A dma 0 0 $LEN 52)" ok
like "fsync" "$(h B fsync 0)" 'ok ms=*'
is "the disk has it" "$(raw 0 16)" 52

# Nobody answers
ok "the block is online again" online
is "A is not there to answer" "$(h A close 0)" ok
is "A lets go" "$(h A unpin 0)" ok
is "A unmaps it" "$(h A unmap 0+0 $LEN)" ok
uncached_file || bail "no file in one piece"
is "A maps it anew" "$(h A map 1 "$SCRATCH/file" $LEN shared)" ok
like "A pins that" "$(h A pin 0 1+0 $LEN w)" 'ok fd=*'
is "the device writes there" "$(h A dma 0 0 $LEN 53)" ok
begun=${EPOCHREALTIME/./}
find_pages
like "the pages are in such a block again" " ${blocks[*]} " "* $block *"
ok "nobody is asked: the block goes offline" offline "$block"
diag "it took $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
like "the pin was forced" "$(h A state 0)" 'ok *reason=offline'
ok "and is back" wait_for 20 state_like A 0 'ok live=1 *'
is "nothing is lost" "$(h A look 1+0)" 'ok 53'
is "A lets go of that" "$(h A unpin 0)" ok
is "A unmaps that" "$(h A unmap 1+0 $LEN)" ok

# The control run
ok "online for the control run" online
uncached_file || bail "no file in one piece"
is "A maps another" "$(h A map 2 "$SCRATCH/file" $LEN shared)" ok
is "A touches it" "$(h A touch 2+0 $LEN 1)" ok
find_pages
like "its pages are in such a block" " ${blocks[*]} " "* $block *"
ok "a plain pin" insmod /pr/modules/tests/plain_pin.ko pid="${holder_pid[A]}" addr=$start nr=16
refused "with it the block does not go offline" "" offline "$block" 5
is "it is still online" "$(cat "$block/state")" online
ok "the plain pin is gone" rmmod plain_pin
ok "without pins it goes offline" offline "$block"

# There are no wraps, nobody listens, and the device writes without pause: again and again.
stop A
ok "no wraps: the driver unloads" unload pin_dummy
ok "no wraps: the core unloads" wait_for 30 unload pin_revoke
ok "no wraps: both are back" modules ask=0
start A
is "no wraps: A takes memory of that node" "$(h A bind 1)" ok
for _ in 1 2 3; do
	ok "no wraps: the blocks are online" online
	uncached_file || bail "no file in one piece"
	is "no wraps: A maps it" "$(h A map 0 "$SCRATCH/file" $LEN shared)" ok
	like "no wraps: A pins it" "$(h A pin 0 0+0 $LEN we)" 'ok fd=*'
	find_pages
	like "no wraps: the pages are in such a block" " ${blocks[*]} " "* $block *"
	before=$(passes A 0)
	ok "no wraps: the block goes offline" offline "$block"
	ok "no wraps: the device gets on" wait_for 20 passes_more A 0 $((before + 10))
	ok "no wraps: nothing of it is lost" fsync_has A 0 0 16 B
	like "no wraps: the pin is not gone" "$(h A state 0)" '* gones=0 *'
	is "no wraps: A lets go" "$(h A unpin 0)" ok
	is "no wraps: A unmaps it" "$(h A unmap 0+0 $LEN)" ok
done

for block in "${blocks[@]}"; do
	[ "$(cat "$block/state")" = offline ] || offline "$block"
done
eject=$(grep -lx 'PNP0C80' /sys/bus/acpi/devices/PNP0C80:*/hid | head -n 1)
ok "the DIMM is unplugged" sh -c "echo 1 > ${eject%/hid}/eject"
ok "its blocks are no more" wait_for 30 test ! -e "${blocks[0]}" -a ! -e "${blocks[1]}"
stop A B
nothing_left
done_testing
