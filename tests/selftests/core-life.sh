#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# What a process does to its memory, and what others do to the file: fork leaves
# pins alone; exit, exec, munmap and truncate end them, the driver is told, and
# what the device wrote before is not lost. So does SIGKILL, whatever the pin is
# doing, and a file system can be left when its last user has gone.
#
# Must never ask, but where a holder is killed while it is asked: none of the
# others has a moment to ask in.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
no_pins() { [ "$(revokectl -j pin show)" = '[]' ]; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 32 || bail "no file in one piece"
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 131072 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 131072 shared)" ok
is "and some memory" "$(h A map 1 anon 65536 private)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins the file's first half" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
like "A pins the memory" "$(h A pin 1 1+0 65536 w)" 'ok fd=*'
is "the device writes into the file" "$(h A dma 0 0 65536 41)" ok
is "the device writes into the memory" "$(h A dma 1 0 65536 42)" ok

like "fork" "$(h A fork)" 'ok pid=*'
like "fork: the file's pin is left alone" "$(h A state 0)" 'ok live=1 quiesces=0 *'
like "fork: the memory's too" "$(h A state 1)" 'ok live=1 quiesces=0 *'
is "fork: the device writes into the memory" "$(h A dma 1 0 65536 43)" ok
is "fork: it is the parent's" "$(h A look 1+4096)" 'ok 43'
like "fork: fsync with a child that has the file" "$(h B fsync 0)" 'ok ms=*'
is "fork: the disk has the data" "$(raw 0 16)" 41
ok "fork: the pin is back" wait_for 20 state_like A 0 'ok live=1 *'
is "fork: the child ends" "$(h A reap)" ok
like "fork: which is not the parent's end" "$(h A state 1)" 'ok live=1 quiesces=0 *gones=0 *'
is "fork: the device writes again" "$(h A dma 0 0 65536 44)" ok
like "fork: A was told of the fsync" "$(h A wait 0 restored $SOON)" 'ok restored *'

is "munmap of the pin's second half" "$(h A unmap 0+32768 32768)" ok
like "munmap: A is told" "$(h A wait 0 gone $SOON)" 'ok gone *reason=unmap *'
like "munmap: so is the driver" "$(h A state 0)" 'ok live=0 quiesces=2 *gones=1 reason=unmap'
is "munmap: the device has no pages" "$(h A dma 0 0 1 1)" 'error EFAULT'
like "munmap: fsync" "$(h B fsync 0)" 'ok ms=*'
is "munmap: what was written before is on the disk" "$(raw 0 16)" 44
is "munmap: the pin can be dropped" "$(h A unpin 0)" ok

is "A maps the file again" "$(h A map 2 "$SCRATCH/file" 131072 shared)" ok
like "truncate: A pins the second half" "$(h A pin 2 2+65536 65536 w)" 'ok fd=*'
is "truncate: the device writes" "$(h A dma 2 0 65536 45)" ok
like "truncate: A pins the first half, too" "$(h A pin 3 2+0 65536 w)" 'ok fd=*'
is "truncate: the device writes there" "$(h A dma 3 0 65536 46)" ok
like "truncate: the end of it goes" "$(h B truncate 0 69632)" 'ok ms=*'
like "truncate: A is told" "$(h A wait 0 revoked $SOON)" '*reason=invalidate forced=1 *skipped=0'
like "truncate: and that it is for good" "$(h A wait 0 gone $SOON)" 'ok gone *reason=invalidate *'
is "truncate: the device has no pages" "$(h A dma 2 0 1 1)" 'error EFAULT'
like "truncate: what is not cut off stays" "$(h A state 3)" 'ok live=1 quiesces=0 *'
like "truncate: fsync" "$(h B fsync 0)" 'ok ms=*'
is "truncate: and is on the disk" "$(raw 0 16)" 46

start X
is "exit: X maps the file" "$(h X map 0 "$SCRATCH/file" 65536 shared)" ok
is "exit: and memory" "$(h X map 1 anon 65536 private)" ok
like "exit: pins the file" "$(h X pin 0 0+0 65536 w)" 'ok fd=*'
like "exit: and memory" "$(h X pin 1 1+0 32768 w)" 'ok fd=*'
like "exit: that is adopted" "$(h X pin 2 1+32768 32768 wa)" 'ok fd=*'
is "exit: the device writes" "$(h X dma 0 0 65536 47)" ok
stop A X
ok "exit: no pin is left" wait_for 10 no_pins
ok "exit: no page is left pinned" wait_for 10 no_pinned_pages
like "exit: fsync" "$(h B fsync 0)" 'ok ms=*'
is "exit: what was written before is on the disk" "$(raw 0 16)" 47

start X
is "exec: X maps the file" "$(h X map 0 "$SCRATCH/file" 65536 shared)" ok
opened=$(h X pin 0 0+0 65536 w)
like "exec: pins it" "$opened" 'ok fd=*'
is "exec: the device writes" "$(h X dma 0 0 65536 48)" ok
is "exec" "$(h X exec)" ok
is "exec: the device is still open" "$(h X inherit 0 "$(value fd "$opened")")" ok
like "exec: the driver was told" "$(h X state 0)" 'ok live=0 quiesces=1 *gones=1 reason=exit'
is "exec: the device has no pages" "$(h X dma 0 0 1 1)" 'error EFAULT'
ok "exec: no page is left pinned" wait_for 10 no_pinned_pages
like "exec: fsync" "$(h B fsync 0)" 'ok ms=*'
is "exec: what was written before is on the disk" "$(raw 0 16)" 48
stop X

# asked_of_X - B fsyncs; sets request
asked_of_X() {
	tell B fsync 0
	request=$(value request "$(h X wait 0 release-soon $SOON)")
}
state_is() { [[ $(revokectl -j pin show) == *"\"state\":\"$1\""* ]]; }
# bring_to STATE - the pin of X
bring_to() {
	case $1 in
	asked|answered)
		asked_of_X
		[ "$1" = asked ] || h X ack 0 "$request" 0 quiesced
		;;
	half-answered)
		h X listen 1
		asked_of_X
		h X ack 1 "$request" 0 quiesced
		;;
	revoked|restoring)
		h X close 0
		h B fsync 0
		wait_for 20 state_is revoked || return
		[ "$1" = restoring ] || return 0
		# Behind the file a page that the fault waits for, for ever. In
		# 6.1 it does not wait but fail, and the pin is gone.
		h X drop 1+65536 65536
		h X dma 0 0 1 0
		wait_for 20 state_is restoring || { [ "$KERNEL" = 6.1 ] && state_is gone; }
		;;
	gone) h X unmap 1+32768 32768 ;;
	esac > /dev/null
}
value=100
revokectl policy set reason writeback-sync grace 15000
for state in active asked half-answered answered revoked restoring gone; do
	what="killed while $state"
	flags=w
	[[ $state != re* ]] || flags=wl
	start X
	is "$what: X has memory" "$(h X map 1 anon 131072 private)" ok
	is "$what: and the file before it" "$(h X map 0 "$SCRATCH/file" 65536 shared 1+0)" ok
	is "$what: X listens" "$(h X listen 0)" ok
	like "$what: X pins both" "$(h X pin 0 1+0 131072 $flags)" 'ok fd=*'
	is "$what: nobody but X has what is missing" "$(h X uffd 1+65536 65536)" ok
	is "$what: the device writes" "$(h X dma 0 0 131072 $value)" ok
	ok "$what: it is" bring_to $state
	killed X
	case $state in
	asked|*answered) between "$what: nobody to wait for" "$(value ms "$(hear B)")" 1 5000 ;;
	esac
	ok "$what: no pin is left" wait_for 20 no_pins
	ok "$what: no page is left pinned" wait_for 20 no_pinned_pages
	like "$what: fsync" "$(h B fsync 0)" 'ok ms=*'
	is "$what: the disk has it" "$(raw 0 16)" $value
	value=$((value + 1))
done
stop B

start X
is "umount: X maps the file" "$(h X map 0 "$SCRATCH/file" 65536 shared)" ok
like "umount: pins it" "$(h X pin 0 0+0 65536 w)" 'ok fd=*'
is "umount: the device writes" "$(h X dma 0 0 65536 49)" ok
refused "umount: busy" busy umount "$SCRATCH"
like "umount: which did nothing" "$(h X state 0)" 'ok live=1 quiesces=0 *'
stop X
ok "umount: fine after the exit" wait_for 10 umount "$SCRATCH"
is "umount: the disk has it" "$(raw 0 16)" 49
ok "umount: and it can be mounted" mount "$DATA" "$SCRATCH"
nothing_left
done_testing
