#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# Truncate and hole punch under a device that writes, on every file system: they
# return within the grace, the pin is gone for what was cut off, and whoever gets
# the blocks next has them for himself. With DAX a pin that is not given back
# makes them wait for ever.
#
# Must never have a holder that gives its pin back by itself.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"
. "${0%/*}/lib-rdma.sh"

DISK=$DATA

# in_time DESCRIPTION MS - grace and half a second. Without DAX nobody waits for
# pins: what it takes is the file system's affair.
in_time() {
	if [[ $fs = *-dax ]]; then
		between "$1 in time" "$2" 0 1500
	else
		diag "$2 ms"
	fi
}

# soon DESCRIPTION ANSWER - of a timed command
soon() {
	like "$1" "$2" 'ok ms=*'
	in_time "$1" "$(value ms "$2")"
}

# What took it is not said: some file systems write before they cut off.
gone() {
	ok "$name: the pin is gone" wait_for 20 state_like A "$1" 'ok live=0 *gones=1 *'
	diag "$(h A state "$1")"
}

# begin FILE - of 64 pages, mapped by both
begin() {
	zeroes "$1" 64
	is "$name: A maps it" "$(h A map 0 "$SCRATCH/$1" 262144 shared)" ok
	is "$name: B too" "$(h B map 0 "$SCRATCH/$1" 262144 shared)" ok
}

# another_file NAME PAGES - gets blocks that are free now: it is what was written
another_file() {
	zeroes "$1" "$2"
	ok "$name: a file that comes next is clean" on_disk "$1" $(($2 * 4096)):0
}

truncated() {
	name="$fs, truncate"
	begin cut
	like "$name: A pins the middle" "$(h A pin 0 0+65536 131072 w)" 'ok fd=*'
	is "$name: the device writes" "$(h A dma 0 0 131072 50)" ok
	like "$name: fsync" "$(h B fsync 0)" 'ok ms=*'
	ok "$name: the pin is back" wait_for 20 state_like A 0 'ok live=1 *'
	freed=$(place cut 40)
	soon "$name: half of the pin is cut off" "$(h B truncate 0 131072)"
	gone 0
	is "$name: the device is refused" "$(h A dma 0 0 131072 51)" 'error EFAULT'
	[[ $fs != *-dax ]] || is "$name: the freed block is as it was" "$(raw 0 1 "$freed")" 50
	like "$name: fsync of the rest" "$(h B fsync 0)" 'ok ms=*'
	ok "$name: the rest is on the disk" on_disk cut 65536:0 65536:50
	is "$name: unpinned" "$(h A unpin 0)" ok
}

punched() {
	name="$fs, punch"
	begin hole
	like "$name: A pins the middle" "$(h A pin 0 0+65536 131072 w)" 'ok fd=*'
	is "$name: the device writes" "$(h A dma 0 0 131072 52)" ok
	soon "$name: a hole in the pin" "$(h B punch 0 131072 32768)"
	ok "$name: the pin comes back" wait_for 20 state_like A 0 'ok live=1 quiesces=[1-9]*'
	is "$name: over zeroes" "$(h B look 0+131072)" 'ok 0'
	is "$name: the device writes again" "$(h A dma 0 0 131072 53)" ok
	is "$name: into the file" "$(h B look 0+131072)" 'ok 53'
	like "$name: fsync" "$(h B fsync 0)" 'ok ms=*'
	ok "$name: it is on the disk" on_disk hole 65536:0 131072:53 65536:0
	is "$name: unpinned" "$(h A unpin 0)" ok
}

# eight DO - with pins 0 to 7: pin, unpin
eight() {
	local n answer
	for ((n = 0; n < 8; n++)); do
		case $1 in
		pin) answer=$(h A pin $n 0+$((n * 32768)) 32768 w) ;;
		unpin) answer=$(h A unpin $n) ;;
		esac
		[[ $answer = ok* ]] || return
	done
}

stormed() {
	local n
	name="$fs, storm"
	begin storm
	ok "$name: A pins all of it, in eight parts" eight pin
	is "$name: the device writes all the time" "$(h A storm 4 32768 54)" ok
	# Each time all pins are taken and come back, while the next one is at it.
	for ((n = 0; n < 8; n++)); do
		soon "$name: a hole" "$(h B punch 0 $((n * 32768)) 16384)"
	done
	soon "$name: half of the file is cut off" "$(h B truncate 0 131072)"
	gone 4
	another_file next 64
	ok "$name: what is left comes back" wait_for 20 state_like A 3 'ok live=1 *'
	ok "$name: unpinned" eight unpin
}

# The last user of a file that has no name: its blocks go when he is gone.
killed_holder() {
	name="$fs, kill"
	zeroes nameless 64
	start K
	is "$name: K maps it" "$(h K map 0 "$SCRATCH/nameless" 262144 shared)" ok
	like "$name: K pins" "$(h K pin 0 0+0 262144 w)" 'ok fd=*'
	is "$name: the device writes all the time" "$(h K storm 0 262144 55)" ok
	rm "$SCRATCH/nameless"
	killed K
	pass "$name: K is dead"
	another_file next 64
}

many_packets() { [ "$(cat /sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_pkts)" -gt $((packets + 200)) ]; }

rdma_cut() {
	local begun log
	name="$fs, RDMA"
	log=$(mktemp)
	exec 3> "$log"
	packets=$(cat /sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_pkts)
	rdma_start --blocks 512
	ok "$name: it runs" wait_for 20 many_packets
	begun=${EPOCHREALTIME/./}
	ok "$name: the file is cut off" truncate -s 8192 "$SCRATCH/file"
	in_time "$name: the file is cut off" $(((${EPOCHREALTIME/./} - begun) / 1000))
	another_file next 1024
	rdma_end
	is "$name: the client gives up" "$client_status" 1
	# Whoever hears of it first leaves, and takes the other with it.
	ok "$name: the reason is known" wait_for 10 \
		grep -qE 'gone for good|remote access error' "$log"
	cat "$log" >> "$LOG"
}

ok "there is persistent memory" pmem
ok "core and driver" modules
ok "our soft-RoCE driver" rxe_up
for fs in ext4-dax xfs-dax ext4 xfs btrfs; do
	DATA=$DISK opts=()
	[[ $fs != *-dax ]] || DATA=$PMEM
	[[ $fs != ext4* ]] || opts=(-b 4096)
	ok "$fs: on its disk" scratch $fs "${opts[@]}"
	mountpoint -q "$SCRATCH" || bail "no $fs"
	start A
	start B
	truncated
	punched
	stormed
	killed_holder
	rdma_cut
	stop A B
	ok "$fs: the file system can be left" umount "$SCRATCH"
done
ok "the driver unloads" unload pin_dummy
ok "everything unloads" rxe_down
done_testing
