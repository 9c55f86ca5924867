#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# What a pin lives through and comes back from: lazily, after a freeze, after its
# pages were dropped or replaced, with several kinds of memory in one range, and
# when it is not the only one.
#
# Must never take "not restored" for granted before something that is restored at
# the same time has been seen.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000

ended() { ! kill -0 "$1" 2> /dev/null; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 32 || bail "no file in one piece"
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 131072 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 131072 shared)" ok

# Lazily: pin 0 is, pin 1 shows when it would have been.
like "lazy: A pins" "$(h A pin 0 0+0 65536 wl)" 'ok fd=*'
like "lazy: and eagerly beside it" "$(h A pin 1 0+65536 65536 w)" 'ok fd=*'
is "lazy: the device writes" "$(h A dma 0 0 65536 61)" ok
like "lazy: fsync" "$(h B fsync 0)" 'ok ms=*'
ok "lazy: the eager one is back" wait_for 20 state_like A 1 'ok live=1 quiesces=1 *'
like "lazy: fsync again" "$(h B fsync 0)" 'ok ms=*'
ok "lazy: the eager one is back again" wait_for 20 state_like A 1 'ok live=1 quiesces=2 *'
like "lazy: it has waited for an access" "$(h A state 0)" 'ok live=0 quiesces=1 restores=1 *'
is "lazy: which finds no pages" "$(h A dma 0 0 4096 62)" 'error EAGAIN'
ok "lazy: but brings it back" wait_for 20 state_like A 0 'ok live=1 quiesces=1 restores=2 *'
is "lazy: the device writes again" "$(h A dma 0 0 65536 62)" ok
is "lazy: A listens" "$(h A listen 0)" ok
is "lazy: one is enough" "$(h A unpin 1)" ok
revokectl policy set reason writeback-sync grace 15000
tell B fsync 0
is "lazy: A gives it" "$(h A ack 0 "$(value request "$(h A wait 0 release-soon $SOON)")" 0 quiesced)" ok
like "lazy: fsync goes on" "$(hear B)" 'ok ms=*'
like "lazy: given, it comes back by itself" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "lazy: the disk has it" "$(raw 0 16)" 62
is "lazy: A listens no more" "$(h A close 0)" ok
is "lazy: A lets go" "$(h A unpin 0)" ok

# Frozen
like "freeze: A pins" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
is "freeze: the device writes" "$(h A dma 0 0 65536 63)" ok
ok "freeze" fsfreeze -f "$SCRATCH"
is "freeze: the disk has it" "$(raw 0 16)" 63
like "freeze: the pin is away" "$(h A state 0)" 'ok live=0 quiesces=1 *'
start C
is "freeze: C has anonymous memory" "$(h C map 0 anon 65536 private)" ok
like "freeze: C pins that" "$(h C pin 0 0+0 65536 w)" 'ok fd=*'
is "freeze: root takes it" "$(PATH=$PATH:/pr/tests core-nl revoke pin="$(last_pin)" grace-ms=0)" ok
ok "freeze: it comes back" wait_for 20 state_like C 0 'ok live=1 quiesces=1 restores=2 *'
like "freeze: the file's does not" "$(h A state 0)" 'ok live=0 quiesces=1 restores=1 *'
is "freeze: and does not hold A up" "$(h A map 5 anon 4096 private)" ok
ok "thaw" fsfreeze -u "$SCRATCH"
ok "thaw: the pin comes back" wait_for 20 state_like A 0 'ok live=1 quiesces=1 restores=2 *'
stop C

# Frozen while a restore is on its way: it waits in a fault of the page before the
# file's. (6.1 does not wait there, but fail.)
if [ "$KERNEL" != 6.1 ]; then
	state_is() { [[ $(revokectl -j pin show "$1") == *"\"state\":\"$2\""* ]]; }
	start X
	is "frozen meanwhile: X has memory" "$(h X map 1 anon 69632 private)" ok
	is "frozen meanwhile: and the file behind it" \
		"$(h X map 0 "$SCRATCH/file" 65536 shared 1+4096)" ok
	like "frozen meanwhile: X pins both" "$(h X pin 0 1+0 69632 wl)" 'ok fd=*'
	pin=$(last_pin)
	is "frozen meanwhile: nobody but X has what is missing" "$(h X uffd 1+0 4096)" ok
	is "frozen meanwhile: the device writes" "$(h X dma 0 0 69632 65)" ok
	like "frozen meanwhile: fsync" "$(h B fsync 0)" 'ok ms=*'
	ok "frozen meanwhile: the pin is away" wait_for 20 state_is "$pin" revoked
	is "frozen meanwhile: a page is missing" "$(h X drop 1+0 4096)" ok
	is "frozen meanwhile: the device wants it back" "$(h X dma 0 0 1 1)" 'error EAGAIN'
	ok "frozen meanwhile: it is on its way" wait_for 20 state_is "$pin" restoring
	ok "frozen meanwhile: freeze" fsfreeze -f "$SCRATCH"
	is "frozen meanwhile: the page is there" "$(h X uffd-end)" ok
	ok "frozen meanwhile: the pin is put off" wait_for 20 state_is "$pin" revoked
	dd if="$SCRATCH/file" of=/dev/null bs=4096 iflag=direct status=none &
	reader=$!
	ok "frozen meanwhile: a reader is not held up" wait_for 20 ended $reader
	ok "frozen meanwhile: thaw" fsfreeze -u "$SCRATCH"
	ok "frozen meanwhile: the pin comes back" wait_for 20 state_is "$pin" active
	is "frozen meanwhile: the disk has it" "$(raw 0 16)" 65
	stop X
fi

# Pages dropped, and replaced behind the mapping
is "drop: the device writes" "$(h A dma 0 0 65536 64)" ok
is "drop: A throws its page table away" "$(h A drop 0+0 65536)" ok
ok "drop: the pin comes back" wait_for 20 state_like A 0 'ok live=1 *reason=invalidate'
is "drop: A sees what the device wrote" "$(h A look 0+65535)" 'ok 64'
like "drop: fsync" "$(h B fsync 0)" 'ok ms=*'
is "drop: so does the disk" "$(raw 0 16)" 64
ok "direct: the pin is back" wait_for 20 state_like A 0 'ok live=1 *'
head -c 16384 /dev/zero | tr "\\0" A | dd of="$SCRATCH/file" bs=4096 iflag=fullblock \
	oflag=direct conv=notrunc status=none
is "direct: a write past the page cache" "$(raw 0 4)" 65
is "direct: the rest is as it was" "$(raw 4 12)" 64
is "direct: A sees it" "$(h A look 0+0)" 'ok 65'
ok "direct: the pin comes back" wait_for 20 state_like A 0 'ok live=1 *'
is "direct: the device writes" "$(h A dma 0 0 65536 66)" ok
is "direct: into what A sees" "$(h A look 0+0)" 'ok 66'
like "direct: fsync" "$(h B fsync 0)" 'ok ms=*'
is "direct: and what the disk gets" "$(raw 0 16)" 66

# Two processes, the same pages
start D
is "two: D maps the file" "$(h D map 0 "$SCRATCH/file" 131072 shared)" ok
ok "two: A's pin is back" wait_for 20 state_like A 0 'ok live=1 *'
before=$(value quiesces "$(h A state 0)")
like "two: D pins the same" "$(h D pin 0 0+0 65536 w)" 'ok fd=*'
is "two: A's device writes" "$(h A dma 0 0 32768 67)" ok
is "two: D's device writes" "$(h D dma 0 32768 32768 68)" ok
like "two: fsync" "$(h B fsync 0)" 'ok ms=*'
is "two: the disk has A's" "$(raw 0 8)" 67
is "two: and D's" "$(raw 8 8)" 68
ok "two: A's pin was taken and is back" wait_for 20 state_like A 0 "ok live=1 quiesces=$((before + 1)) *"
ok "two: so is D's" wait_for 20 state_like D 0 'ok live=1 quiesces=1 *'
stop D
is "two: A lets go" "$(h A unpin 0)" ok

# Two pins, one page
like "page: its first half" "$(h A pin 0 0+0 2048 w)" 'ok fd=*'
like "page: its second half" "$(h A pin 1 0+2048 2048 w)" 'ok fd=*'
is "page: the device writes one" "$(h A dma 0 0 2048 71)" ok
is "page: and the other" "$(h A dma 1 0 2048 72)" ok
like "page: fsync" "$(h B fsync 0)" 'ok ms=*'
is "page: the disk has both" "$(raw 0 1)" 71,72
ok "page: one is back" wait_for 20 state_like A 0 'ok live=1 quiesces=1 *'
ok "page: so is the other" wait_for 20 state_like A 1 'ok live=1 quiesces=1 *'
is "page: A lets go of one" "$(h A unpin 0)" ok
is "page: the device writes the other" "$(h A dma 1 0 2048 73)" ok
like "page: fsync again" "$(h B fsync 0)" 'ok ms=*'
is "page: the disk has it" "$(raw 0 1)" 71,73
is "page: A lets go of the other" "$(h A unpin 1)" ok

# Several kinds of memory in one range
is "mixed: room" "$(h A map 1 anon 196608 private)" ok
is "mixed: the file in the middle of it" "$(h A map 2 "$SCRATCH/file" 65536 shared 1+65536)" ok
like "mixed: A pins all of it" "$(h A pin 0 1+0 196608 w)" 'ok fd=*'
is "mixed: the device writes" "$(h A dma 0 0 196608 69)" ok
is "mixed: before the file" "$(h A look 1+65535)" 'ok 69'
is "mixed: into the file" "$(h B look 0+0)" 'ok 69'
is "mixed: behind the file" "$(h A look 1+131072)" 'ok 69'
like "mixed: fsync" "$(h B fsync 0)" 'ok ms=*'
is "mixed: the disk has it" "$(raw 0 16)" 69
ok "mixed: the pin comes back" wait_for 20 state_like A 0 'ok live=1 quiesces=1 *'
is "mixed: the device writes again" "$(h A dma 0 0 196608 70)" ok
is "mixed: into the same memory" "$(h A look 1+0)" 'ok 70'
is "mixed: a part that is no file goes" "$(h A unmap 1+131072 65536)" ok
like "mixed: then all of it is gone" "$(h A state 0)" 'ok live=0 *gones=1 reason=unmap'
like "mixed: fsync again" "$(h B fsync 0)" 'ok ms=*'
is "mixed: and nothing is lost" "$(raw 0 16)" 70

stop A B
nothing_left
done_testing
