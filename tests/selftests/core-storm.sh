#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# The pages are wanted all the time, and the device writes without pause: reclaim in a
# memory cgroup that is smaller than the pin, compaction (asked for, and proactive on a
# node in pieces), two who fsync, all of that at once; and, without wraps, truncate and
# punch on DAX. Both sides must get on.
#
# Must never take a storm for granted: each must have hit, and go on until it is ended.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

LEN=$((1 << 20))	# of the pin
ROUNDS=20		# that the device must get on in a storm
group=/sys/fs/cgroup/storm

is_live() { wait_for 20 state_like A "$1" 'ok live=1 *'; }
memory() { awk -v name="$1" '$1 == name { print $2 }' "$group/memory.$2"; }

# storm NAME TIMES CMD... - CMD begins and ends, called with "begin" and "end"; meanwhile
# the pin is taken so often, at least, and the device gets on
storm() {
	local name=$1 times=$2 begun=${EPOCHREALTIME/./} quiesces before
	shift 2
	before=$(passes A 0)
	quiesces=$(value quiesces "$(h A state 0)")
	"$@" begin
	ok "$name: the pin is taken" wait_for 30 taken $((quiesces + times))
	before=$(passes A 0)
	ok "$name: the device gets on" wait_for 30 passes_more A 0 $((before + ROUNDS))
	"$@" end
	is "$name: the pin is not gone" "$(value gones "$(h A state 0)")" 0
	diag "$(($(value quiesces "$(h A state 0)") - quiesces)) times taken, $(($(passes A 0) - before)) passes, $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
}
taken() { [ "$(value quiesces "$(h A state 0)")" -ge "$1" ]; }

# Those who want the pages: NAME begin, NAME end. What they say at the end is judged.
small_group() {
	if [ "$1" = begin ]; then
		scanned=$(memory pgscan stat)
		echo $((LEN / 2)) > $group/memory.high
	else
		ok "$name: reclaim looks at the pages" \
			test "$(memory pgscan stat)" -ge $((scanned + LEN / 4096 / 2))
		echo max > $group/memory.high
	fi
}
compactions() { awk '/^compact_migrate_scanned/ { print $2 }' /proc/vmstat; }
compaction() {
	if [ "$1" = begin ]; then
		compactions=$(compactions)
		while :; do echo 1; done > /proc/sys/vm/compact_memory &
		compaction=$!
	else
		ok "$name: it has looked at pages" test "$(compactions)" -gt $((compactions + 1000))
		ok "$name: it still compacts" kill "$compaction"
		wait "$compaction" 2> /dev/null
	fi
}
# Every other page of a part of the far node, which is small, is free, and kcompactd told
# to mind.
in_pieces() {
	mkdir /tmp/far
	mount -t tmpfs -o mpol=bind:1,size=80M tmpfs /tmp/far || return
	python3 -c 'for _ in range(10240): print("x" * 4096 + "\0" * 4096, end="")' \
		> /tmp/far/pieces && fallocate -d /tmp/far/pieces
}
has_compacted() { [ "$(compactions)" -gt $((compactions + 1000)) ]; }
proactive() {
	if [ "$1" = begin ]; then
		compactions=$(compactions)
		while :; do echo 100; done > /proc/sys/vm/compaction_proactiveness &
		compaction=$!
	else
		ok "$name: it has looked at pages" wait_for 20 has_compacted
		ok "$name: it is still told to" kill "$compaction"
		wait "$compaction" 2> /dev/null
		sysctl -q vm.compaction_proactiveness=20
	fi
}
# repeated NAME begin|end COMMAND...
repeated() {
	local who=$1 when=$2 line
	shift 2
	if [ "$when" = begin ]; then
		tell "$who" repeat "$@"
	else
		tell "$who" enough
		line=$(hear "$who")
		like "$name: $who gets on" "$line" 'ok times=*'
		ok "$name: $who again and again" test "$(value times "$line")" -ge 5
		diag "$who: $line"
	fi
}
two_fsyncs() { repeated B "$1" fsync 0; repeated C "$1" fsync 0; }
everything() { small_group "$1"; compaction "$1"; two_fsyncs "$1"; }
cut_and_punch() { repeated B "$1" punch 0 0 32768; repeated C "$1" truncate 0 131072; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file $((LEN / 4096)) || bail "no file in one piece"
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
ok "a memory cgroup" mkdir $group
start A
start B
start C
echo "${holder_pid[A]}" > $group/cgroup.procs
for name in A B C; do
	is "$name maps the file" "$(h $name map 0 "$SCRATCH/file" $LEN shared)" ok
done
echo 3 > /proc/sys/vm/drop_caches	# who faults it in is charged
like "A pins it" "$(h A pin 0 0+0 $LEN we)" 'ok fd=*'
ok "the device writes" wait_for 20 passes_more A 0 2
ok "the cgroup has all of it" test "$(cat $group/memory.current)" -ge $LEN

storm "small cgroup" 1 small_group
ok "small cgroup: the pin is back" is_live 0
ok "small cgroup: fsync has it" fsync_has A 0 0 $((LEN / 4096)) B
storm "compaction" 0 compaction
ok "proactive: the far node is in pieces" in_pieces
like "proactive: part of the pin is there" "$(h A move-pages 0+0 $LEN 1)" 'ok moved=*[1-9]*'
ok "proactive: the pin is back" is_live 0
storm "proactive" 0 proactive
ok "proactive: in pieces no more" umount /tmp/far
storm "two fsyncs" 5 two_fsyncs
storm "everything" 5 everything
ok "everything: the pin is back" is_live 0
ok "everything: fsync has it" fsync_has A 0 0 $((LEN / 4096)) B
stop A B C

# A hard limit of half of the region: what does not come back in chunks cannot live
# with that, and is killed as any process that locks more than it may have.
events() { awk -v name="$1" '$1 == name { print $2 }' $group/memory.events; }
less() { [ "$(cat $group/memory.current)" -lt "$1" ]; }
written() { [ "$(h A dma 0 "$1" 4096 "$2")" = ok ]; }
in_each_chunk() {
	local chunk
	for chunk in 0 1 2 3; do
		wait_for 20 written $((chunk << 21)) "$1" || { echo "chunk $chunk"; return 1; }
	done
}
ok "hard limit: a file" zeroes large 2048
start A
start B
for name in A B; do
	is "hard limit: $name maps it" "$(h $name map 0 "$SCRATCH/large" $((8 << 20)) shared)" ok
done
echo "${holder_pid[A]}" > $group/cgroup.procs
echo 3 > /proc/sys/vm/drop_caches
like "hard limit: A pins it" "$(h A pin 0 0+0 $((8 << 20)) wl)" 'ok fd=*'
echo 3M > $group/memory.high
ok "hard limit: it is taken" wait_for 20 less $((4 << 20))
hits=$(events max) kills=$(events oom_kill)
echo 4M > $group/memory.max
echo max > $group/memory.high
for round in 1 2 3 4 5; do
	ok "hard limit: the device gets on" in_each_chunk $round
	like "hard limit: and so does an fsync" "$(h B fsync 0)" 'ok ms=*'
done
ok "hard limit: it was hit" test "$(events max)" -gt "$hits"
is "hard limit: nobody was killed" "$(events oom_kill)" "$kills"
diag "$(h A state 0), the limit was hit $(($(events max) - hits)) times"
stop A B
ok "the cgroup is empty" wait_for 10 rmdir $group
nothing_left

ok "there is persistent memory" pmem
# Two who never pause: the pin is away nearly all the time.
DATA=$PMEM LEN=65536 ROUNDS=3
for fs in ext4-dax xfs-dax; do
	ok "$fs: no wraps" modules ask=0
	ok "$fs: on the persistent memory" scratch $fs
	zeroes file 32
	for name in A B C; do
		start $name
		is "$fs: $name maps the file" "$(h $name map 0 "$SCRATCH/file" 131072 shared)" ok
	done
	like "$fs: A pins it" "$(h A pin 0 0+0 $LEN we)" 'ok fd=*'
	ok "$fs: the device writes" wait_for 20 passes_more A 0 2
	storm "$fs" 5 cut_and_punch
	ok "$fs: the pin is back" is_live 0
	stop A B C
	nothing_left
done
done_testing
