#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Who takes, moves or protects pages without asking: the tables below say which of
# them take the pin, which end it and which leave it alone. What the device wrote
# before is on the disk after the next fsync. Exit, exec and SIGKILL are in
# core-life.sh, file systems in core-backstop-fs.sh.
#
# Must never believe that nothing happened: an operation says whether it did its
# work, or a counter of the kernel does.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=20000	# for an event to arrive, ms
LEN=65536
HUGE=2097152
AT=0x10000000000	# aligned for a huge page, and nothing is there
KSM=/sys/kernel/mm/ksm
THP=/sys/kernel/mm/transparent_hugepage
value=10

# says PATTERN NAME COMMAND... - complains about any other answer
says() {
	local got
	got=$(h "${@:2}")
	# shellcheck disable=SC2053 # a pattern it is
	[[ $got == $1 ]] || echo "$got"
}
count() { awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat; }
more() { [ "$(count "$1")" -gt "$2" ]; }
# counted COUNTER COMMAND... - complains if it does not grow
counted() {
	local was
	was=$(count "$1")
	"${@:2}"
	wait_for 20 more "$1" "$was" || echo "$1 is still $was"
}

fork_it() { says 'ok pid=*' A fork && says ok A reap; }
soft_dirty() { echo 4 > "/proc/${holder_pid[A]}/clear_refs"; }
drop_caches() { echo 3 > /proc/sys/vm/drop_caches; }
map_over() { says ok A map 1 anon 4096 private 0+8192; }
move_away() { says ok A map 1 anon $LEN private && says ok A remap 0+0 $LEN $LEN 1+0; }
# Busy if the pages are not given back in time; the next attempt would do.
soft_offline() { says '@(ok|error EBUSY)' A advise 0+8192 4096 soft-offline; }
fadvise() { xfs_io -c "fadvise -d 0 $LEN" "$SCRATCH/file"; }
start_writing() { xfs_io -c "sync_range -w 0 $LEN" "$SCRATCH/file"; }
# All of its memory, of a process that runs in more than one thread
scanned() { [ "$(awk '/numa_scan_seq/ { print $3 }' "/proc/${holder_pid[A]}/sched")" -ge 1 ]; }
numa_scan() {
	says ok A map 2 anon 4096 private
	says 'ok fd=*' A pin 1 2+0 4096 w
	says ok A storm 1 4096 1
	echo 1 > /proc/sys/kernel/numa_balancing
	wait_for 20 scanned || echo "no scan"
	echo 0 > /proc/sys/kernel/numa_balancing
}
# What compaction moves depends on where the pages are: until it is these.
compacted() {
	echo 1 > /proc/sys/vm/compact_memory
	state_like A 0 'ok live=* quiesces=[1-9]*'
}
compact() { wait_for 20 compacted || echo "the pages are where they were"; }
compact_once() { counted compact_migrate_scanned eval 'echo 1 > /proc/sys/vm/compact_memory'; }
# Wherever the pages are, one of the two takes them elsewhere.
move_there_and_back() {
	says 'ok moved=[1-9]*' A move-pages 0+0 $LEN 1
	says 'ok moved=[1-9]*' A move-pages 0+0 $LEN 0
}
migrate_there_and_back() {
	says 'ok left=*' A migrate 0 1
	says 'ok left=*' A migrate 1 0
}

# on_file NAME OUTCOME REASON COMMAND... - what it does to a write pin of a file
on_file() {
	local name=$1 outcome=$2 reason=$3
	shift 3
	value=$((value + 2))
	start A
	h A map 0 "$SCRATCH/file" $((2 * LEN)) shared > /dev/null
	h A listen 0 > /dev/null
	like "$name: pinned" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
	is "$name: the device writes" "$(h A dma 0 0 $LEN $value)" ok
	is "$name: done" "$("$@" 2>&1)" ""
	case $outcome in
	stays)
		like "$name: the pin is left alone" "$(h A state 0)" 'ok live=1 quiesces=0 *'
		value=$((value + 1))
		is "$name: the device writes on" "$(h A dma 0 0 $LEN $value)" ok
		;;
	returns)
		like "$name: A is told" "$(h A wait 0 revoked $SOON)" \
			"ok revoked *reason=$reason forced=1 *"
		;;
	ends)
		like "$name: A is told" "$(h A wait 0 gone $SOON)" "ok gone *reason=$reason *"
		is "$name: the device has no pages" "$(h A dma 0 0 1 1)" 'error EFAULT'
		;;
	esac
	like "$name: fsync" "$(h B fsync 0)" 'ok ms=*'
	is "$name: the disk has it" "$(raw 0 16)" $value
	if [ "$outcome" = returns ]; then
		ok "$name: the pin comes back" wait_for 20 state_like A 0 'ok live=1 *'
		value=$((value + 1))
		is "$name: the device writes again" "$(h A dma 0 0 $LEN $value)" ok
		like "$name: fsync again" "$(h B fsync 0)" 'ok ms=*'
		is "$name: the disk has that, too" "$(raw 0 16)" $value
	fi
	stop A
}

# on_memory NAME COMMAND... - leaves a pin of anonymous memory alone
on_memory() {
	local name=$1
	shift
	value=$((value + 2))
	start A
	h A map 0 anon $HUGE private $AT > /dev/null
	h A touch 0+0 $HUGE $value > /dev/null
	like "$name: pinned" "$(h A pin 0 0+$LEN $LEN w)" 'ok fd=*'
	is "$name: done" "$("$@" 2>&1)" ""
	value=$((value + 1))
	is "$name: the device writes" "$(h A dma 0 0 $LEN $value)" ok
	is "$name: A sees it" "$(h A look 0+$LEN), $(h A look 0+$((2 * LEN - 1)))" \
		"ok $value, ok $value"
	is "$name: and nothing beside it" "$(h A look 0+$((LEN - 1)))" "ok $((value - 1))"
	like "$name: the pin is left alone" "$(h A state 0)" 'ok live=1 quiesces=0 *'
	stop A
}

# poisoned NAME REGION - its sixth page is, while the device writes
poisoned() {
	like "$1: pinned" "$(h A pin 0 "$2+0" $LEN w)" 'ok fd=*'
	is "$1: the device writes" "$(h A dma 0 0 $LEN $value)" ok
	is "$1: and does not stop" "$(h A storm 0 $LEN $value)" ok
	# Or busy: the pages are given back a moment after the kernel looks.
	like "$1: done" "$(h A advise "$2+20480" 4096 hwpoison)" '@(ok|error EBUSY)'
	like "$1: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=invalidate forced=1 *'
	like "$1: and that it does not come back" "$(h A wait 0 gone $SOON)" 'ok gone *'
	is "$1: the device has no pages" "$(h A dma 0 0 1 1)" 'error EFAULT'
	ok "$1: no page is left pinned" wait_for 20 no_pinned_pages
}

poison_file() {
	local old=$value
	value=$((value + 2))
	start A
	h A map 0 "$SCRATCH/file" $LEN shared > /dev/null
	h A listen 0 > /dev/null
	poisoned hwpoison 0
	is "hwpoison: fsync says so" "$(h B fsync 0)" 'error EIO'
	is "hwpoison: to everybody" "$(h A fsync 0)" 'error EIO'
	like "hwpoison: once" "$(h B fsync 0)" 'ok ms=*'
	is "hwpoison: the other pages are on the disk" "$(raw 0 5),$(raw 6 10)" $value,$value
	is "hwpoison: that one is as it was" "$(raw 5 1),$(h B look 0+20480)" "$old,ok $old"
	is "hwpoison: unpinned" "$(h A unpin 0)" ok
	stop A
}

poison_memory() {
	value=$((value + 2))
	start A
	h A map 0 anon $LEN private > /dev/null
	h A listen 0 > /dev/null
	poisoned "anonymous, hwpoison" 0
	is "anonymous, hwpoison: the other pages are A's" "$(h A look 0+0)" "ok $value"
	stop A
}

# Files that are written can be collapsed by newer kernels; not under a pin.
collapse_file() {
	local name="MADV_COLLAPSE"
	# Past the page cache: what is read into it is not huge.
	dd if=/dev/zero of="$SCRATCH/huge" bs=1M count=2 oflag=direct status=none
	start A
	h A map 0 "$SCRATCH/huge" $HUGE shared $AT > /dev/null
	h A listen 0 > /dev/null
	like "$name: pinned" "$(h A pin 0 0+$LEN $LEN w)" 'ok fd=*'
	is "$name: the device writes" "$(h A dma 0 0 $LEN 2)" ok
	like "$name: refused" "$(h A advise 0+0 $HUGE collapse)" 'error @(EAGAIN|EINVAL)'
	like "$name: the pin is left alone" "$(h A state 0)" 'ok live=1 quiesces=0 *'
	is "$name: the device writes on" "$(h A dma 0 0 $LEN 3)" ok
	like "$name: fsync" "$(h A fsync 0)" 'ok ms=*'
	ok "$name: the disk has it" on_disk huge $LEN:0 $LEN:3 $((HUGE - 2 * LEN)):0
	ok "$name: the pin comes back" wait_for 20 state_like A 0 'ok live=1 *'
	is "$name: unpinned" "$(h A unpin 0)" ok
	like "$name: fsync of what is not pinned" "$(h A fsync 0)" 'ok ms=*'
	if [ "$KERNEL" = 6.1 ] || [ "$KERNEL" = 6.12 ]; then
		skip "$name: without a pin" "not of a file that can be written"
	else
		is "$name: without a pin" "$(h A advise 0+0 $HUGE collapse)" ok
	fi
	stop A
}

# Other pages with the same contents are merged, among each other.
full_scans() { [ "$(cat $KSM/full_scans)" -ge "$1" ]; }
merge() {
	says ok A map 1 anon $LEN private
	says ok A touch 1+0 $LEN $value
	says ok A advise 1+0 $LEN mergeable
	says ok A advise 0+0 $HUGE mergeable
	echo 10000 > $KSM/pages_to_scan
	echo 1 > $KSM/run
	wait_for 30 full_scans $(($(cat $KSM/full_scans) + 3)) || echo "ksmd does not run"
	[ "$(cat $KSM/pages_sharing)" -ge 500 ] || echo "it shares $(cat $KSM/pages_sharing) pages"
	# The device writes what others share, and they must not see it.
	echo 0 > $KSM/run
}
collapse() {
	# Beside the pin there is nothing in the way.
	says ok A map 1 anon $HUGE private $((AT + HUGE))
	says ok A touch 1+0 $HUGE 1
	says ok A advise 1+0 $HUGE collapse
	says 'error EAGAIN' A advise 0+0 $HUGE collapse
}
split() { counted thp_split_pmd says ok A protect 0+$((HUGE / 2)) $LEN none; }
split_folio() {
	printf '%d,%#x,%#x' "${holder_pid[A]}" $AT $((AT + HUGE)) \
		> /sys/kernel/debug/split_huge_pages
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 32 || bail "no file in one piece"
# Asking is not what is tested here.
ok "nobody is asked" revokectl policy set reason writeback-sync grace 0
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" $LEN shared)" ok
echo 100 > /sys/kernel/debug/sched/numa_balancing/scan_delay_ms
echo 100 > /sys/kernel/debug/sched/numa_balancing/scan_period_min_ms

#	name				outcome	reason		command
on_file "mprotect, read-only"		stays	-		says ok A protect 0+0 $LEN ro
on_file "mprotect, nothing"		stays	-		says ok A protect 0+0 $LEN none
on_file "fork"				stays	-		fork_it
on_file "soft-dirty"			stays	-		soft_dirty
on_file "MADV_COLD"			stays	-		says ok A advise 0+0 $LEN cold
on_file "drop_caches"			stays	-		drop_caches
on_file "NUMA balancing"		stays	-		numa_scan
on_file "mremap, beside it"		stays	-		says ok A remap 0+$LEN $LEN 4096
on_file "munmap"			ends	unmap		says ok A unmap 0+0 4096
on_file "mmap over it"			ends	unmap		map_over
on_file "mremap, shorter"		ends	unmap		says ok A remap 0+0 $LEN 4096
on_file "mremap, elsewhere"		ends	unmap		move_away
on_file "mremap, leaves the mapping"	ends	unmap		says ok A remap 0+0 $LEN $LEN leave
on_file "MADV_DONTNEED"			returns	invalidate	says ok A drop 0+0 $LEN
on_file "MADV_PAGEOUT"			returns	invalidate	says ok A advise 0+0 $LEN pageout
on_file "soft offline"			returns	invalidate	soft_offline
on_file "compaction"			returns	invalidate	compact
on_file "POSIX_FADV_DONTNEED"		returns	writeback-other	fadvise
on_file "sync_file_range, no wait"	returns	writeback-other	start_writing

if [ -e /sys/devices/system/node/node1 ]; then
	on_file "move_pages"		returns	invalidate	move_there_and_back
	on_file "migrate_pages"		returns	invalidate	migrate_there_and_back
else
	skip "move_pages" "one node"
	skip "migrate_pages" "one node"
fi
collapse_file
poison_file
on_file "after hwpoison"		stays	-		true

echo madvise > $THP/enabled
on_memory "anonymous, mprotect"		says ok A protect 0+$LEN $LEN rw
on_memory "anonymous, MADV_COLD"	says ok A advise 0+0 $HUGE cold
on_memory "anonymous, MADV_FREE"	says ok A advise 0+$LEN $LEN free
on_memory "anonymous, MADV_PAGEOUT"	says ok A advise 0+0 $HUGE pageout
on_memory "anonymous, soft offline"	says 'error EBUSY' A advise 0+$((LEN + 8192)) 4096 soft-offline
on_memory "anonymous, compaction"	compact_once
on_memory "anonymous, NUMA balancing"	numa_scan
on_memory "anonymous, KSM"		merge
on_memory "anonymous, THP collapse"	collapse
echo always > $THP/enabled
on_memory "anonymous, THP split"	split
on_memory "anonymous, THP split by an admin"	split_folio
poison_memory

stop B
nothing_left
done_testing
