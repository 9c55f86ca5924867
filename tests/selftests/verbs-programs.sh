#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# Programs that never heard of us, as the distribution ships them, with files of each
# file system for buffers at both ends, while somebody does to the files what asks for
# them: ibv_rc_pingpong, perftest, rping and qperf run to their ends without an error,
# find their data as it was sent, and what they leave is on the disk. perftest can map
# a file, the others are made to (preload/file-memory.c).
#
# Must never give a program an option that makes it more patient, and never damage what
# a program looks at.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"
. "${0%/*}/lib-rdma.sh"

DISK=$DATA
HITS=/sys/module/rdma_rxe/parameters/revoked_hits
ADDR=192.0.2.1
said=/run/out

hits() { cat $HITS; }
more_hits() { [ "$(hits)" -gt $(($1 + 2)) ]; }
no_pins() { [ "$(revokectl -j pin show)" = '[]' ]; }
listening() { ss -ltnH "sport = :$1" | grep -q . ; }
# The connection manager's ports are nobody's sockets.
waiting() { rdma resource show cm_id | grep -q 'state LISTEN'; }
limited() { timeout $((60 * ${VM_SLOW:-1})) "$@"; }
# on FILE CMD... - with its larger pieces of memory in that file
on() { FILE_MEMORY=$SCRATCH/$1 LD_PRELOAD=/pr/tests/file-memory.so limited "${@:2}"; }
# The index of the IPv4 address
gid() {
	grep -l 0000:0000:0000:0000:0000:ffff: /sys/class/infiniband/rxe0/ports/1/gids/* \
		2> /dev/null | sed 's/.*\///; q'
}

# ask_all_the_time THING... - done to both files, one after the other. Faster than this
# would be a storm, against which the core holds off restores.
ask_all_the_time() {
	local what file
	while :; do
		for what; do
			for file in "$SCRATCH"/{to,from}; do
				[ -e "$file" ] || continue
				case $what in
				clone) cp --reflink=always "$file" "$SCRATCH/clone" ;;
				*) xfs_io -c "$what" "$file" ;;
				esac || echo "$what of $file failed"
			done
			sleep 0.15
		done
	done
}

# program NAME READY SERVER-CMD... -- CLIENT-CMD...
program() {
	local what="$fs: $1" ready=$2 before status server=() log=$said/${fs}-${1// /-} pid
	shift 2
	while [ "$1" != -- ]; do
		server+=("$1")
		shift
	done
	shift
	before=$(hits)
	# Some may be done before anybody asks: once more.
	for _ in 1 2 3 4; do
		"${server[@]}" > "$log-server" 2>&1 &
		pid=$!
		wait_for 30 $ready || diag "$what: nobody listens"
		"$@" > "$log-client" 2>&1
		status=$?
		wait $pid
		# Some only say it.
		status="$status $? $(grep -hiE 'invalid data|mismatch' "$log"-*)"
		[ "$status" = "0 0 " ] && [ "$(hits)" = "$before" ] || break
	done
	is "$what: both ends run to their end" "$status" "0 0 "
	diag "$(($(hits) - before)) accesses met a revoked region, $SECONDS s"
	[ "$(hits)" != "$before" ]
	is "$what: and met revoked regions" $? 0
}

pingpong() { on "$1" ibv_rc_pingpong -d rxe0 -g "$gid" -c -s 32768 -n 150 "${@:2}"; }
bw() { limited "ib_$1_bw" -d rxe0 -F -n "$2" --mmap="$SCRATCH/$3" "${@:4}"; }
lat() { limited "ib_$1_lat" -d rxe0 -F -n "$2" --mmap="$SCRATCH/$3" "${@:4}"; }
ping() { on "$1" rping -V -C 40 -S 32768 -a $ADDR "${@:2}"; }
forever() { exec ib_write_bw -d rxe0 -F -D 1 --run_infinitely --mmap="$SCRATCH/$1" "${@:2}"; }
perf() { on "$1" qperf "${@:2}"; }

# on_disk FILE... - what is in memory of them is on the disk
on_disk() {
	local file
	for file; do
		sync "$SCRATCH/$file" &&
			cmp "$SCRATCH/$file" <(raw-check "$SCRATCH/$file" --disk "$DATA" --image) ||
			return
	done
}

programs() {
	local things=(fsync syncfs "sync_range 0 8m") asks

	truncate -s 8M "$SCRATCH/to" "$SCRATCH/from"
	[ $fs != xfs ] && [ $fs != btrfs ] || things+=(clone)
	ask_all_the_time "${things[@]}" > $said/$fs-asks 2>&1 &
	asks=$!
	program ibv_rc_pingpong "listening 18515" pingpong to -- pingpong from $ADDR
	program rping waiting ping to -s -- ping from -c
	program qperf "listening 19765" perf to -- perf from $ADDR -cm 1 -t 1 \
		rc_rdma_write_bw rc_rdma_read_bw rc_bw ver_rc_compare_swap quit
	program ib_write_lat "listening 18515" lat write 1500 to -s 4096 -- \
		lat write 1500 from -s 4096 $ADDR
	ok "$fs: what they leave is on the disk" on_disk to from
	{ kill $asks; wait $asks; } 2> /dev/null

	# These do not look at their data, and may lose some of it.
	ask_all_the_time "fpunch 4k 8k" fsync "fzero 0 64k" >> $said/$fs-asks 2>&1 &
	asks=$!
	program ib_write_bw "listening 18515" bw write 150 to -- bw write 150 from $ADDR
	program ib_read_bw "listening 18515" bw read 150 to -- bw read 150 from $ADDR
	program ib_atomic_bw "listening 18515" bw atomic 5000 to -- bw atomic 5000 from $ADDR
	program ib_send_lat "listening 18515" lat send 400 to -s 16384 -- \
		lat send 400 from -s 16384 $ADDR
	{ kill $asks; wait $asks; } 2> /dev/null
	ok "$fs: what these leave, too" on_disk to from
	is "$fs: all that asks for them succeeds" "$(grep failed $said/$fs-asks)" ""
}

# Programs that are stopped, and that die, while somebody asks for their buffers
unwilling() {
	local before asks ends=()

	truncate -s 1M "$SCRATCH/to" "$SCRATCH/from"
	ask_all_the_time fsync > /dev/null 2>&1 &
	asks=$!
	forever to > $said/forever-to 2>&1 &
	ends+=($!)
	wait_for 30 listening 18515
	forever from $ADDR > $said/forever-from 2>&1 &
	ends+=($!)
	before=$(hits)
	ok "stopped: both ends are at work" wait_for 60 more_hits "$before"
	kill -STOP "${ends[@]}"
	ok "stopped: fsync does not mind" limited sync "$SCRATCH/to" "$SCRATCH/from"
	ok "stopped: nor does who punches" limited fallocate -p -o 0 -l 64K "$SCRATCH/to"
	before=$(hits)
	kill -CONT "${ends[@]}"
	ok "stopped: they go on" wait_for 60 more_hits "$before"
	kill -KILL "${ends[@]}"
	{ wait "${ends[@]}"; kill $asks; wait $asks; } 2> /dev/null
	ok "killed: no pin is left" wait_for 30 no_pins
}

ok "there is persistent memory" pmem
ok "our soft-RoCE driver" rxe_up
modprobe rdma_ucm
gid=$(gid)
# Where there is a driver of its own, what it does; the file systems are looked at once.
disks=(ext4 ext4-dax)
case $KERNEL in newest|debug) disks+=(xfs btrfs xfs-dax) ;; esac
for fs in "${disks[@]}"; do
	DATA=$DISK
	[[ $fs != *-dax ]] || DATA=$PMEM
	ok "$fs: on its disk" scratch $fs
	programs
	[ $fs != ext4 ] || unwilling
	ok "$fs: no pin is left" wait_for 30 no_pins
	# Who asked may have somebody who still does.
	ok "$fs: the file system can be left" wait_for 10 umount "$SCRATCH"
done
ok "everything unloads" rxe_down
ok "no page is left pinned" wait_for 10 no_pinned_pages
done_testing
