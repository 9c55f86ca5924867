#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# Pins over all shapes of files, on every file system where writable ones are let
# through: parts of pages, holes, the end of the file, large folios, huge pages of
# DAX. What the device wrote is on the disk after fsync, and nothing else is.
#
# DAX has no copy of a page that could differ from the disk. There the promise is
# that what was written does not stay in the processor's caches: the kernel says
# by a trace event what it flushes.
#
# Must never have a holder that listens: here everything is forced.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

DISK=$DATA
TRACE=/sys/kernel/tracing

# take PIN OFFSET SIZE VALUE - A pins a part of region 0, the device writes all of it
take() {
	like "$name: A pins" "$(h A pin "$1" "0+$2" "$3" w)" 'ok fd=*'
	is "$name: the device writes" "$(h A dma "$1" 0 "$3" "$4")" ok
}

# clean PIN... - B calls fsync; the pins were taken for it, and come back
clean() {
	local line pin
	line=$(h B fsync 0)
	like "$name: fsync" "$line" 'ok ms=*'
	diag "fsync took $(value ms "$line") ms"
	for pin; do
		ok "$name: the pin is back" wait_for 20 state_like A "$pin" \
			'ok live=1 quiesces=[1-9]*'
	done
}

both_map() {
	is "$name: A maps it" "$(h A map 0 "$SCRATCH/$1" "$2" shared)" ok
	is "$name: B too" "$(h B map 0 "$SCRATCH/$1" "$2" shared)" ok
}

drop() { local pin; for pin; do is "$name: unpinned" "$(h A unpin "$pin")" ok; done; }

parts_of_pages() {
	name="$fs, parts of pages"
	zeroes parts 16
	both_map parts 65536
	take 0 100 5000 81
	take 1 5100 3000 82
	clean 0 1
	ok "$name: both are on the disk, and nothing beside them" \
		on_disk parts 100:0 5000:81 3000:82 57436:0
	is "$name: once more, by the second" "$(h A dma 1 0 3000 83)" ok
	clean 1
	ok "$name: that is on the disk beside the first" \
		on_disk parts 100:0 5000:81 3000:83 57436:0
	drop 0 1
}

holes() {
	name="$fs, holes"
	truncate -s 1M "$SCRATCH/holes"
	dd if=/dev/zero of="$SCRATCH/holes" bs=4096 seek=20 count=4 conv=notrunc,fsync status=none
	both_map holes 1048576
	take 0 8192 131072 84
	clean 0
	ok "$name: it is on the disk, and nothing else" \
		on_disk holes 8192:0 131072:84 909312:0
	is "$name: the device writes again" "$(h A dma 0 4000 120000 85)" ok
	clean 0
	ok "$name: that is on the disk, too" \
		on_disk holes 8192:0 4000:84 120000:85 7072:84 909312:0
	drop 0
}

end_of_file() {
	name="$fs, end of the file"
	head -c 6000 /dev/zero > "$SCRATCH/end"
	both_map end 16384
	is "$name: nothing is there to pin behind the last page" "$(h A pin 0 0+0 16384 w)" 'error EFAULT'
	take 0 0 8192 86
	clean 0
	ok "$name: it is on the disk" on_disk end 6000:86
	is "$name: the file is as long as it was" "$(stat -c %s "$SCRATCH/end")" 6000
	like "$name: it grows" "$(h B truncate 0 16384)" 'ok ms=*'
	ok "$name: the pin stays, or comes back" wait_for 20 state_like A 0 'ok live=1 *'
	is "$name: the device writes" "$(h A dma 0 0 8192 87)" ok
	clean 0
	ok "$name: on the disk beyond the old end" on_disk end 8192:87 8192:0
	drop 0
}

# One write, so that the file system may use folios as large as it likes
large_folios() {
	name="$fs, ${1:-large folios}"
	dd if=/dev/zero of="$SCRATCH/large" bs=4M count=1 status=none
	both_map large 4194304
	take 0 1048676 2097152 88
	take 1 4096 4096 89
	clean 0 1
	ok "$name: both are on the disk, and nothing beside them" \
		on_disk large 4096:0 4096:89 1040484:0 2097152:88 1048476:0
	drop 0 1
}

# not_flushed FIRST COUNT - pages that were not flushed since the trace was emptied
not_flushed() {
	sed -n 's/.*dax_writeback_one.* pgoff \(0x[0-9a-f]*\) pglen \(0x[0-9a-f]*\).*/\1 \2/p' $TRACE/trace |
	{
		declare -A seen
		local page i
		while read -r page count; do
			for ((i = 0; i < count; i++)); do seen[$((page + i))]=1; done
		done
		for ((i = $1; i < $1 + $2; i++)); do
			[ -n "${seen[$i]:-}" ] || echo "$i"
		done | wc -l
	}
}

flushed() {
	name="$fs, flush"
	fallocate -l 4M "$SCRATCH/flush"
	both_map flush 4194304
	take 0 1048576 2097152 90
	echo > $TRACE/trace
	is "$name: nothing was flushed yet" "$(not_flushed 256 512)" 512
	clean 0
	is "$name: fsync has flushed every page" "$(not_flushed 256 512)" 0
	diag "$(grep -c dax_writeback_one $TRACE/trace) flushes, $(grep -c 'dax_writeback_one.*pglen 0x200' $TRACE/trace) of huge pages"
	echo > $TRACE/trace
	is "$name: the device writes again" "$(h A dma 0 0 2097152 91)" ok
	clean 0
	is "$name: the next one again" "$(not_flushed 256 512)" 0
	ok "$name: it is there" on_disk flush 1048576:0 2097152:91 1048576:0
	drop 0
}

ok "there is persistent memory" pmem
ok "core and driver" modules
for fs in ext4 xfs btrfs ext4-dax xfs-dax; do
	DATA=$DISK opts=()
	case $fs in
	ext4) opts=(-b 4096) ;;
	# so that the blocks of a file can be as contiguous as its pages
	ext4-dax) DATA=$PMEM opts=(-b 4096 -E "stride=512,stripe_width=512") ;;
	xfs-dax) DATA=$PMEM opts=(-d "su=2m,sw=1") ;;
	esac
	ok "$fs: on its disk" scratch $fs "${opts[@]}"
	mountpoint -q "$SCRATCH" || bail "no $fs"
	start A
	start B
	parts_of_pages
	holes
	end_of_file
	large_folios
	if [[ $fs = *-dax ]]; then
		echo 1 > $TRACE/events/fs_dax/dax_writeback_one/enable
		flushed
		echo 0 > $TRACE/events/fs_dax/dax_writeback_one/enable
	fi
	stop A B
	ok "$fs: the file system can be left" umount "$SCRATCH"
done

# Not proven: blocks smaller than pages whose data ext4 writes by its journal.
DATA=$DISK
name="ext4, blocks of 1 KiB"
ok "$name: on its disk" scratch ext4 -b 1024
ok "$name: without delayed allocation" remounted -o nodelalloc
ok "$name: two files" zeroes plain 16
ok "$name: one journals its data" sh -c "touch $SCRATCH/journal && chattr +j $SCRATCH/journal"
zeroes journal 16
start A
is "$name: A maps one" "$(h A map 0 "$SCRATCH/plain" 65536 shared)" ok
is "$name: and the other" "$(h A map 1 "$SCRATCH/journal" 65536 shared)" ok
like "$name: A pins" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
is "$name: not what is journalled" "$(h A pin 1 1+0 65536 w)" 'error EOPNOTSUPP'
like "$name: but to read" "$(h A pin 1 1+0 65536 -)" 'ok fd=*'
stop A
ok "$name: the file system can be left" umount "$SCRATCH"

fs=xfs
if scratch xfs -b size=16384 2>/dev/null; then
	start A
	start B
	large_folios "blocks of 16 KiB"
	stop A B
	nothing_left
else
	skip "xfs, blocks of 16 KiB" "this kernel wants blocks no larger than pages"
	ok "ext4 on the data disk" scratch ext4
	nothing_left
fi
done_testing
