#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Who waits for a holder, and who never does, while the holder keeps silent and has
# a grace of 15 seconds: who must not wait is done in a fraction of it, whoever waits
# keeps nothing locked that the holder needs to answer. And the callback itself: a
# trace of every allocation and every sleep in it.
#
# Must never have a deadline pass but in the one case that shows that they do.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000	# for an event to arrive, ms
LEN=65536	# of a pin
GRACE=15000
tracing=/sys/kernel/tracing

same() { local what=$1; shift; is "$what" "$(h "$@")" ok; }
is_live() { wait_for 20 state_like A "$1" 'ok live=1 *'; }
# at_once DESCRIPTION ANSWER - of a timed command: nobody's grace is in it
at_once() {
	like "$1" "$2" 'ok ms=*'
	between "$1 at once" "$(value ms "$2")" 0 5000
}
# what A would have been asked meanwhile
not_asked() { like "$1: A was not asked" "$(h A wait 0 revoked $SOON)" 'ok revoked *forced=1 *skipped=0'; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 64 || bail "no file in one piece"
for reason in writeback-sync truncate fallocate; do
	revokectl policy set reason $reason grace $GRACE
done
start A
start B
for name in A B; do
	same "$name maps the file" $name map 0 "$SCRATCH/file" 262144 shared
done
same "A listens" A listen 0
like "A pins it" "$(h A pin 0 0+0 $LEN wek)" 'ok fd=*'

# Asking is above the locks: whoever waits for A's answer keeps nothing that A needs.
for call in "fsync 0" "msync 0 $LEN" "syncfs 0" sync "punch 0 4096 4096" "truncate 0 32768"; do
	what=${call%% *}
	ok "$what: the pin serves" is_live 0
	# shellcheck disable=SC2086 # words
	tell B $call
	request=$(value request "$(h A wait 0 release-soon $SOON)")
	same "$what: A maps it meanwhile" A map 1 "$SCRATCH/file" $LEN shared
	same "$what: writes into the mapping" A touch 1+32768 4096 3
	like "$what: writes into the file" "$(h A write 0 131072 4096)" 'ok ms=*'
	like "$what: allocates" "$(h A allocate 0 196608 $LEN)" 'ok ms=*'
	same "$what: unmaps it" A unmap 1+0 $LEN
	same "$what: and answers" A ack 0 "$request" 0 quiesced
	at_once "$what: goes on" "$(hear B)"
	like "$what: A gave it" "$(h A wait 0 revoked $SOON)" 'ok revoked *forced=0 *'
done
same "truncate: which is for good" A unpin 0

# One whose place on the disk has not changed
new_file calm 16 || bail "no file in one piece"
for name in A B; do
	same "$name maps another" $name map 0 "$SCRATCH/calm" $LEN shared
done
like "A pins it" "$(h A pin 0 0+0 $LEN wek)" 'ok fd=*'

# The backstop does not ask: A is stopped, and nobody waits for it.
ok "backstop: the pin serves" is_live 0
ok "backstop: the engine runs" wait_for 20 passes_more A 0 2
before=$(passes A 0)
kill -STOP "${holder_pid[A]}"
at_once "backstop: writeback that nobody waits for" "$(h B start-writeback 0 0 $LEN)"
kill -CONT "${holder_pid[A]}"
not_asked backstop
at_once "backstop: its I/O ends" "$(h B start-writeback 0 0 $LEN)"
ok "backstop: the disk has what was written" wait_for 20 least_is_at 0 16 "$before"

# A device that takes its time to stop is waited for; so is the answer of its holder.
slow=$((300 * ${VM_SLOW:-1}))
ok "slow: the pin serves" is_live 0
knob slow_ms $slow
tell B fsync 0
request=$(value request "$(h A wait 0 release-soon $SOON)")
begun=${EPOCHREALTIME/./}
same "slow: A answers" A ack 0 "$request" 0 quiesced
between "slow: which is true when it is heard" $(((${EPOCHREALTIME/./} - begun) / 1000)) 300 5000
like "slow: fsync goes on" "$(hear B)" 'ok ms=*'
knob slow_ms 0
ok "slow: the pin is back" is_live 0

# Whoever opened the file to read has its pages all the same.
same "reader: A lets go" A unpin 0
same "reader: A maps what it may only read" A map 3 "$SCRATCH/calm" $LEN ro
like "reader: A pins it to read" "$(h A pin 1 3+0 $LEN -)" 'ok fd=*'
tell B punch 0 4096 4096
asked=$(h A wait 0 release-soon $SOON)
like "reader: A is asked" "$asked" 'ok release-soon *reason=fallocate *'
same "reader: and answers" A ack 0 "$(value request "$asked")" 0 quiesced
at_once "reader: the punch goes on" "$(hear B)"
stop A B

# Kernel threads, and whoever is inside a transaction or reclaim; a disk, because no
# file system can be told such a lie. One that has been written to: of another the
# kernel thinks that a few dirty pages are too many, and cleans them at once.
ok "disk: the file system can be left" umount "$SCRATCH"
echo 1 > /sys/module/pin_revoke/parameters/any_fs
start A
same "disk: A maps it" A map 0 "$DATA" $LEN shared
same "disk: A listens" A listen 0
for who in kthread transaction reclaim anybody; do
	like "$who: A pins" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
	same "$who: the device writes" A dma 0 0 $LEN 0
	[ $who != anybody ] || grace 2000
	begun=${EPOCHREALTIME/./}
	refused "$who: writes the disk" 'canceled' insmod /pr/modules/tests/wait_as.ko who=$who disk="$DATA"
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	if [ $who = anybody ]; then
		between "$who: waits for the grace" $took 1900 10000
		like "$who: A was asked" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=writeback-sync forced=1 *skipped=1'
	else
		between "$who: does not wait" $took 0 5000
		not_asked $who
	fi
	same "$who: A lets go" A unpin 0
done
stop A
grace $GRACE

# A commit of the journal cleans data of files that nobody syncs.
ok "journal: ext4 on the disk" mkfs.ext4 -q -F -b 4096 "$DATA"
ok "journal: blocks are allocated by faults" mount -t ext4 -o nodelalloc "$DATA" "$SCRATCH"
start A
start B
truncate -s $LEN "$SCRATCH/ordered"
: > "$SCRATCH/beside"
same "journal: B has a file beside it" B map 0 "$SCRATCH/beside" 4096 shared
same "journal: A maps the file" A map 2 "$SCRATCH/ordered" $LEN shared
same "journal: A listens" A listen 0
like "journal: A pins it" "$(h A pin 0 2+0 $LEN wl)" 'ok fd=*'
same "journal: the device writes" A dma 0 0 $LEN 31
like "journal: B changes the other" "$(h B write 0 0 4096)" 'ok ms=*'
at_once "journal: B's fsync" "$(h B fsync 0)"
not_asked journal
disk_block=$(place ordered 0)
is "journal: the disk has what the device wrote" "$(raw 0 16)" 31
same "journal: A lets go" A unpin 0

same "A listens no more" A close 0

# Every allocation and every sleep leaves its stack in the trace.
watch() {
	local event
	for event in kmalloc kmem_cache_alloc mm_page_alloc; do
		echo "${1}stacktrace" > $tracing/events/kmem/$event/trigger || return
	done
	echo "${1}stacktrace if prev_state == 1 || prev_state == 2" \
		> $tracing/events/sched/sched_switch/trigger
}
# stacks - those with the callback in them, one in each line. To wait for the lock of
# the pin is no sleep: who has it does not sleep either.
stacks() {
	awk 'function judge() { if (stack ~ /pinr_invalidate/ && stack !~ /mutex_lock/) print stack }
		/<stack trace>/ { judge(); stack = ""; next }
		/^ => / { stack = stack " " $2 }
		END { judge() }' $tracing/trace
}
all_there() { awk '/entries-in-buffer/ { split($3, n, "/"); exit n[1] != n[2] }' $tracing/trace; }
echo 16384 > $tracing/buffer_size_kb
like "quiet: A pins" "$(h A pin 0 2+0 $LEN wk)" 'ok fd=*'
for what in slow fsync pageout drop unmap; do
	ok "quiet, $what: the pin serves" is_live 0
	same "quiet, $what: the device writes" A dma 0 0 $LEN 32
	before=$(value quiesces "$(h A state 0)")
	case $what in
	slow) knob slow_ms 50; act="fsync 2" ;;
	fsync) act="fsync 2" ;;
	*) act="$what 2+0 $LEN" ;;
	esac
	echo > $tracing/trace
	ok "quiet, $what: we watch" watch ''
	# shellcheck disable=SC2086 # words
	like "quiet, $what: it is done" "$(h A $act)" 'ok*'
	ok "quiet, $what: we have watched" watch '!'
	ok "quiet, $what: and have seen all" all_there
	is "quiet, $what: the pin was taken" "$(value quiesces "$(h A state 0)")" $((before + 1))
	if [ $what = slow ]; then
		like "quiet, $what: the device slept in the callback" "$(stacks)" '*pinr_invalidate*'
		knob slow_ms 0
	else
		is "quiet, $what: nothing in the callback allocates or sleeps" "$(stacks)" ""
	fi
done
echo 1408 > $tracing/buffer_size_kb

stop A B
nothing_left
done_testing
