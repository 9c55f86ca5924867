#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
#
# What changes a range of a file asks the holders of that range, once, before the
# file system locks anything, and leaves a pin beside it alone: truncate, all of
# fallocate, sync_file_range, clone, dedupe, copy; and through overlayfs.
#
# Must never let a deadline pass: the answer is an ack, or nobody is asked.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000	# for an event to arrive, ms
SIZE=262144 FROM=65536 LEN=65536
dir=$SCRATCH

# fresh - 64 pages, all written; pin 0 is pages 16 to 31, pin 1 before it
fresh() {
	head -c $SIZE /dev/zero | tr '\0' '\5' > "$dir/file"
	sync "$dir/file"
	h A map 0 "$dir/file" $SIZE shared
	h A pin 0 0+$FROM $LEN w
	h A pin 1 0+0 32768 w
}

away() {
	h A unpin 0 && h A unpin 1 && h A unmap 0+0 $SIZE
}

# asks NAME REASON END CMD... - END is "restored" or "gone": what the pin comes to
asks() {
	local name=$1 reason=$2 end=$3 event worker
	shift 3
	like "$name: a file and two pins" "$(fresh | paste -sd ' ')" 'ok ok fd=* ok fd=*'
	"$@" > /run/out/range.log 2>&1 &
	worker=$!
	event=$(h A wait 0 release-soon $SOON)
	like "$name: A is asked" "$event" "ok release-soon * reason=$reason *"
	ok "$name: it waits for the answer" kill -0 $worker
	is "$name: A answers" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
	wait $worker
	is "$name: and is done" $? 0
	like "$name: A is told" "$(h A wait 0 revoked $SOON)" "ok revoked *reason=$reason forced=0 *"
	like "$name: the pin is $end" "$(h A wait 0 "$end" $SOON)" "ok $end *skipped=0"
	like "$name: the pin beside it never noticed" "$(h A state 1)" 'ok live=1 quiesces=0 *'
	is "$name: away" "$(away | paste -sd ' ')" 'ok ok ok'
}

# asks_both NAME REASON STATE CMD... - what means all of the file; the pins come to STATE
asks_both() {
	local name=$1 reason=$2 state=$3 event worker pin
	shift 3
	like "$name: a file and two pins" "$(fresh | paste -sd ' ')" 'ok ok fd=* ok fd=*'
	"$@" > /run/out/range.log 2>&1 &
	worker=$!
	event=$(h A wait 0 release-soon $SOON)
	like "$name: A is asked" "$event" "ok release-soon * reason=$reason *"
	is "$name: A answers for both" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
	wait $worker
	is "$name: and is done" $? 0
	for pin in 0 1; do
		ok "$name: pin $pin has come to that" \
			wait_for 20 state_like A $pin "ok $state *reason=$reason"
	done
	is "$name: away" "$(away | paste -sd ' ')" 'ok ok ok'
	h A wait 0 release-soon 0 > /dev/null
}

# leaves NAME CMD... - nobody is asked, nothing is taken
leaves() {
	local name=$1
	shift
	like "$name: a file and two pins" "$(fresh | paste -sd ' ')" 'ok ok fd=* ok fd=*'
	ok "$name: is done" "$@"
	like "$name: the pin never noticed" "$(h A state 0)" 'ok live=1 quiesces=0 *'
	like "$name: nobody was asked" "$(h A wait 0 release-soon 0)" 'ok nothing *'
	is "$name: away" "$(away | paste -sd ' ')" 'ok ok ok'
}

ok "core and driver" modules
for reason in truncate fallocate remap writeback-sync; do
	revokectl policy set reason $reason grace 15000
done
start A
ok "ext4 on the data disk" scratch ext4 -b 4096
is "A listens" "$(h A listen 0)" ok

# fallocate(1) ends with an fsync, which asks for everything.
io() { xfs_io -c "$*" "$dir/file"; }
# WRITE and WAIT_AFTER; xfs_io can only say one of them.
sync_file_range() {
	perl -e 'open F, "+<", shift; exit !!syscall(277, fileno F, shift() + 0, shift() + 0, 6)' \
		"$dir/file" "$1" "$2"
}
asks truncate truncate gone truncate -s $FROM "$dir/file"
asks "into a page" truncate gone truncate -s $((FROM + 100)) "$dir/file"
asks punch fallocate restored io fpunch $FROM $LEN
asks "part of a page" fallocate restored io fpunch $((FROM + 100)) 100
asks zero fallocate restored io fzero $FROM $LEN
asks insert fallocate restored io finsert $FROM $LEN
asks collapse fallocate restored io fcollapse $FROM 4096
asks sync_file_range writeback-sync restored sync_file_range $FROM $LEN
asks_both "open with O_TRUNC" truncate 'live=0 quiesces=1 *gones=1' bash -c ": > $dir/file"
leaves "truncate to more" truncate -s $((2 * SIZE)) "$dir/file"
leaves "allocate" io falloc 0 $((2 * SIZE))
leaves "punch beside it" io fpunch $((FROM + LEN)) $LEN
leaves "copy without clone" xfs_io -f -c "copy_range -s $FROM -l $LEN $dir/file" "$dir/copy"
# The descriptor must be good for it.
leaves "punch by a reader" bash -c "! xfs_io -r -c 'fpunch $FROM $LEN' $dir/file"

# The pins are of the file below, the calls name the one above.
mkdir "$SCRATCH"/{upper,work,lower} /mnt2
ok "overlayfs above it" mount -t overlay -o \
	"lowerdir=$SCRATCH/lower,upperdir=$SCRATCH/upper,workdir=$SCRATCH/work" overlay /mnt2
dir=/mnt2
asks "overlayfs, truncate" truncate gone truncate -s $FROM "$dir/file"
asks "overlayfs, punch" fallocate restored io fpunch $FROM $LEN
stop A
ok "overlayfs can be left" umount /mnt2
dir=$SCRATCH

ok "ext4 can be left" umount "$SCRATCH"
ok "btrfs on the data disk" mkfs.btrfs -q -f "$DATA"
ok "btrfs is mounted" mount -t btrfs "$DATA" "$SCRATCH"
start A
is "A listens on btrfs" "$(h A listen 0)" ok
same() { head -c $SIZE /dev/zero | tr '\0' '\5' > "$dir/other"; sync "$dir/other"; }
same
asks "clone to" remap restored io reflink "$dir/other" $FROM $FROM $LEN
# btrfs cleans all of the source
asks_both "clone from" remap 'live=1 quiesces=1' \
	xfs_io -c "reflink $dir/file $FROM $FROM $LEN" "$dir/other"
same
asks "dedupe" remap restored io dedupe "$dir/other" $FROM $FROM $LEN
asks "copy to" remap restored io copy_range -s $FROM -d $FROM -l $LEN "$dir/other"
stop A
ok "btrfs can be left" umount "$SCRATCH"

ok "xfs on the data disk" scratch xfs
start A
is "A listens on xfs" "$(h A listen 0)" ok
same
asks "xfs, clone to" remap restored io reflink "$dir/other" $FROM $FROM $LEN
asks "xfs, unshare" fallocate restored io funshare $FROM $LEN
same
asks "xfs, dedupe" remap restored io dedupe "$dir/other" $FROM $FROM $LEN
asks "xfs, copy to" remap restored io copy_range -s $FROM -d $FROM -l $LEN "$dir/other"
asks "xfs, collapse" fallocate restored io fcollapse $FROM 4096
stop A
nothing_left
done_testing
