#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Memory that is no file's, when an administrator wants it, or memory is short:
# asked, taken, given back page by page, and back with what was written before.
#
# Must never believe that pages are free because the device has stopped.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=20000	# for an event to arrive, ms
LEN=4194304	# two huge pages

stat() { revokectl -j stat show | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
pressed() {
	echo 2 > /proc/sys/vm/drop_caches
	event=$(h A wait 0 release-soon 200)
	[[ $event == 'ok release-soon '*reason=pressure* ]]
}
nothing_pinned() { [ "$(stat pinned_bytes)" = 0 ] && no_pinned_pages; }
# looks DESCRIPTION VALUE - the first byte and the last
looks() {
	is "$1" "$(h A look 0+0) $(h A look 0+$((LEN - 1)))" "ok $2 ok $2"
}

# round KIND - of memory that A has in region 0
round() {
	local kind=$1 id
	like "$kind: A pins it" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
	id=$(last_pin)
	is "$kind: the device writes" "$(h A dma 0 0 $LEN 71)" ok
	is "$kind: it is counted" "$(stat pinned_bytes)" $LEN

	# An administrator, and a drain to see that all pages are given back
	revokectl pin drain "$id" grace 15000 -- cat /run/hold > /run/drained &
	event=$(h A wait 0 release-soon $SOON)
	like "$kind: A is asked" "$event" 'ok release-soon *reason=drain *'
	looks "$kind: it still has what the device wrote" 71
	is "$kind: A gives it" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
	like "$kind: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=drain forced=0 *'
	ok "$kind: no page is pinned" wait_for 20 nothing_pinned
	looks "$kind: nothing is lost" 71
	is "$kind: A writes meanwhile" "$(h A touch 0+0 1 72)" ok
	like "$kind: the device cannot" "$(h A dma 0 0 1 73)" 'error EAGAIN*'
	echo > /run/hold
	wait $!
	is "$kind: the drain ends" $? 0
	like "$kind: it comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
	is "$kind: it is counted again" "$(stat pinned_bytes)" $LEN
	is "$kind: with both" "$(h A look 0+0) $(h A look 0+1)" "ok 72 ok 71"
	is "$kind: the device writes on" "$(h A dma 0 0 $LEN 74)" ok
	looks "$kind: where A reads" 74

	# Nobody answers
	is "$kind: revoked" "$(revokectl -j pin revoke "$id" grace 0)" "[{\"pin\":$id}]"
	like "$kind: forced" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=admin forced=1 *'
	like "$kind: it comes back again" "$(h A wait 0 restored $SOON)" 'ok restored *'
	looks "$kind: nothing is lost again" 74

	# Short memory
	wait_for 30 pressed
	like "$kind: memory is short: A is asked" "$event" 'ok release-soon *reason=pressure *'
	given=$(stat pressure_bytes)
	is "$kind: A gives it then" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
	like "$kind: it is taken" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=pressure forced=0 *'
	is "$kind: and counted" "$(stat pressure_bytes)" $((given + LEN))
	like "$kind: it comes back later" "$(h A wait 0 restored $SOON)" 'ok restored *'
	looks "$kind: nothing is lost then" 74
	is "$kind: the device writes to the end" "$(h A dma 0 0 $LEN 75)" ok
	looks "$kind: where A reads, too" 75
	is "$kind: A lets go" "$(h A unpin 0)" ok
	ok "$kind: no page is left pinned" wait_for 20 nothing_pinned
}

ok "core and driver" modules
ok "time to answer" revokectl policy set reason pressure grace 15000
mkfifo /run/hold
start A
is "A listens" "$(h A listen 0)" ok

is "anonymous: A maps it" "$(h A map 0 anon $LEN private)" ok
round anonymous
is "shmem: A maps it" "$(h A map 0 memfd $LEN shared)" ok
round shmem
echo 2 > /proc/sys/vm/nr_hugepages
mkdir /huge
ok "huge: hugetlbfs" mount -t hugetlbfs none /huge
truncate -s $LEN /huge/file
is "huge: A maps it" "$(h A map 0 /huge/file $LEN shared)" ok
round huge
stop A
ok "huge: the file system can be left" umount /huge
echo 0 > /proc/sys/vm/nr_hugepages
is "no pin is left" "$(revokectl -j pin show)" '[]'
ok "the driver unloads" unload pin_dummy
ok "the core unloads" wait_for 30 unload pin_revoke
done_testing
