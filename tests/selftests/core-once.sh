#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# One grace for one system call, whatever is pinned: two files of two processes
# on two disks, and nobody answers.
#
# Must never let a holder answer.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

# silent NAME FILE... - a holder that listens and has pinned files, no answer
silent() {
	local name=$1 n=0
	shift
	start "$name"
	for file; do
		is "$name maps" "$(h "$name" map $n "$file" 65536 shared)" ok
		like "$name pins" "$(h "$name" pin $n $n+0 65536 w)" 'ok fd=*'
		is "the device writes" "$(h "$name" dma $n 0 65536 $((n + 1)))" ok
		n=$((n + 1))
	done
	is "$name listens" "$(h "$name" listen 0)" ok
}

# asked_once DESCRIPTION NAME PINS - all in one request, and then forced
asked_once() {
	local line first='' n
	for ((n = 0; n < $3; n++)); do
		line=$(h "$2" wait 0 release-soon 5000)
		first=${first:-$(value request "$line")}
		like "$1" "$line" "ok release-soon request=$first reason=writeback-sync*"
	done
	for ((n = 0; n < $3; n++)); do
		like "$1, and forced" "$(h "$2" wait 0 revoked 15000)" '*reason=writeback-sync forced=1*skipped=0'
	done
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file one 16 || bail "no file in one piece"
first_block=$disk_block
new_file two 16 || bail "no file in one piece"
ok "a second disk" modprobe loop
truncate -s 64M /dev/shm/disk
mkdir -p /run/second
ok "ext4 on it" mkfs.ext4 -q -F /dev/shm/disk
ok "mounted" mount -o loop /dev/shm/disk /run/second
dd if=/dev/zero of=/run/second/three bs=4096 count=16 conv=fsync status=none
grace 2000
start B
is "B has a file" "$(h B map 0 "$SCRATCH/one" 4096 shared)" ok

silent A "$SCRATCH/one" "$SCRATCH/two"
silent C "$SCRATCH/two" /run/second/three
between "sync(2): one grace" "$(value ms "$(h B sync)")" 1900 3500
is "sync(2): the first file is on disk" "$(raw 0 16 "$first_block")" 1
is "sync(2): the second as well" "$(raw 0 16)" 1
asked_once "sync(2): A is asked for both in one request" A 2
asked_once "sync(2): C is asked for both in one request" C 2
stop A C

silent A "$SCRATCH/one" "$SCRATCH/two"
silent C "$SCRATCH/two" /run/second/three
between "syncfs: one grace" "$(value ms "$(h B syncfs 0)")" 1900 3500
is "syncfs: the first file is on disk" "$(raw 0 16 "$first_block")" 1
asked_once "syncfs: A is asked for both in one request" A 2
asked_once "syncfs: C is asked for the one there" C 1
like "syncfs: the other disk is left alone" "$(h C state 1)" 'ok live=1 quiesces=0 *'
stop A C

# Twenty files, and the machine syncs: still one grace
twenty_files() {
	local n
	start V
	for ((n = 0; n < 20; n++)); do
		new_file "many$n" 4 || return
		blocks[n]=$disk_block
		[ "$(h V map $n "$SCRATCH/many$n" 16384 shared)" = ok ] &&
			[[ $(h V pin $n $n+0 16384 w) == ok* ]] &&
			[ "$(h V dma $n 0 16384 $((n + 1)))" = ok ] || return
	done
	[ "$(h V listen 0)" = ok ]
}
twenty_on_disk() {
	local n
	for ((n = 0; n < 20; n++)); do
		raw_is 0 4 $((n + 1)) "${blocks[n]}" || { echo "file $n"; return 1; }
	done
}
blocks=()
twenty_files
is "20 files: pinned and written" $? 0
between "20 files: one grace" "$(value ms "$(h B sync)")" 1900 3500
ok "20 files: all are on disk" twenty_on_disk
asked_once "20 files: in one request" V 20
stop V

# While one waits, another joins: no new request, no new grace.
silent A "$SCRATCH/one"
start D
is "D has a file" "$(h D map 0 "$SCRATCH/one" 4096 shared)" ok
tell D fsync 0
like "joined: A is asked for D's fsync" "$(h A wait 0 release-soon 5000)" '*reason=writeback-sync*'
tell B sync
between "joined: D waits for the grace" "$(value ms "$(hear D)")" 1900 3500
between "joined: B waits for the rest of it" "$(value ms "$(hear B)")" 0 3500
like "joined: A was asked once" "$(h A wait 0 revoked 15000)" '*forced=1*skipped=0'
stop A D

# More pins than one message has room for
pin_all() {
	local n
	for ((n = 0; n < 100; n++)); do
		[[ $(h M pin $n 0+$((n % 16 * 4096)) 4096 w) == ok* ]] || return
	done
}
all_told() {
	local n
	for ((n = 0; n < 100; n++)); do
		h M wait 0 release-soon 15000
	done | sed 's/ left=.*//' | sort -u
}
# One socket need not have room for all that is told of them: look at the pins.
all_back() {
	[ "$(revokectl -j pin show | grep -o '"state":"active"[^}]*"revoked":1,"forced":0' | wc -l)" = 100 ]
}
grace 15000
start M
is "100 pins: M maps" "$(h M map 0 "$SCRATCH/one" 65536 shared)" ok
is "100 pins: M listens" "$(h M listen 0)" ok
ok "100 pins: pinned" pin_all
tell B fsync 0
request=$(all_told)
like "100 pins: asked for in one request" "$request" 'ok release-soon request=* reason=writeback-sync forced=0'
request=$(value request "$request")
like "100 pins: which is shown" "$(h M requests 0)" "ok $request:writeback-sync:*:* nr=*"
is "100 pins: one answer" "$(h M ack 0 "$request" 0 quiesced)" ok
like "100 pins: fsync goes on" "$(hear B)" 'ok ms=*'
ok "100 pins: all were given, and come back" wait_for 30 all_back
stop M

stop B
ok "the second disk can be left" umount /run/second
nothing_left
done_testing
