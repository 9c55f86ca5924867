#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Background writeback: the flusher leaves a pinned range out while its holder is
# asked, and writes the rest of the file. After the answer, or when the time is
# up, the core writes the range itself.
#
# Must never have the flusher running when the core is to do it.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
vm=/proc/sys/vm
expire=$(cat $vm/dirty_expire_centisecs)
# Switching it on wakes the flusher at once; it writes what is older than that.
flusher() { echo "$1" > $vm/dirty_writeback_centisecs; }
skip_ms() { revokectl policy set reason writeback-background skip $(($1 * ${VM_SLOW:-1})); }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 64 || bail "no file in one piece"
echo 50 > $vm/dirty_expire_centisecs
start A
is "A maps the file" "$(h A map 0 "$SCRATCH/file" 262144 shared)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins the middle of it" "$(h A pin 0 0+65536 65536 w)" 'ok fd=*'

skip_ms 30000
is "A writes before it" "$(h A touch 0+0 65536 33)" ok
is "A writes behind it" "$(h A touch 0+131072 131072 33)" ok
is "the device writes" "$(h A dma 0 0 65536 34)" ok
flusher 50
asked=$(h A wait 0 release-soon $SOON)
like "A is asked" "$asked" '*reason=writeback-background *'
ok "what is before it is written" wait_for 20 raw_is 0 16 33
ok "what is behind it is written" wait_for 20 raw_is 32 32 33
is "the pinned range is not" "$(raw 16 16)" 0
like "the pin was left alone" "$(h A state 0)" 'ok live=1 quiesces=0 *'
flusher 0
is "A answers" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
like "A is told, not forced" "$(h A wait 0 revoked $SOON)" '*reason=writeback-background forced=0 *skipped=0'
like "the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "and the range is on the disk" "$(raw 16 16)" 34

skip_ms 2000
is "the device writes again" "$(h A dma 0 0 65536 35)" ok
flusher 50
like "A is asked again" "$(h A wait 0 release-soon $SOON)" '*reason=writeback-background *'
begun=$(now_ms)
flusher 0
is "it is not on the disk" "$(raw 16 16)" 34
like "nobody answers: forced" "$(h A wait 0 revoked $SOON)" '*reason=writeback-background forced=1 *'
between "at the limit" $(($(now_ms) - begun)) 1000 3000
like "the pin comes back again" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "and it is on the disk" "$(raw 16 16)" 35

# Somebody is in more of a hurry
skip_ms 30000
grace 15000
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 262144 shared)" ok
is "the device writes for B" "$(h A dma 0 0 65536 37)" ok
flusher 50
# Too late is an answer: who missed a deadline is not asked.
is "A is heard again" "$(h A ack 0 "$(value request "$asked")" 0 released)" ok
asked=$(h A wait 0 release-soon $SOON)
like "A is asked for the flusher" "$asked" '*reason=writeback-background *'
flusher 0
tell B fsync 0
hurry=$(h A wait 0 release-soon $SOON)
like "A is asked once more, for B" "$hurry" '*reason=writeback-sync *'
like "both are open" "$(h A requests 0)" "ok $(value request "$asked"):writeback-background:1:* $(value request "$hurry"):writeback-sync:1:* nr=2"
is "A answers B" "$(h A ack 0 "$(value request "$hurry")" 0 quiesced)" ok
between "B's fsync goes on" "$(value ms "$(hear B)")" 1 5000
like "A gave it" "$(h A wait 0 revoked $SOON)" '*reason=writeback-sync forced=0 *'
is "B's data is on the disk" "$(raw 16 16)" 37
is "neither is open" "$(h A requests 0)" 'ok nr=0'
like "the flusher's is over" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" 'error ESTALE *'
like "the pin comes back for both" "$(h A wait 0 restored $SOON)" 'ok restored *'
stop B

# Not put off, because the policy says so
ok "force: nobody is asked" revokectl policy set reason writeback-background action force
is "force: the device writes" "$(h A dma 0 0 65536 38)" ok
flusher 50
like "force: taken" "$(h A wait 0 revoked $SOON)" '*reason=writeback-other forced=1 *skipped=0'
flusher 0
ok "force: and written" wait_for 20 raw_is 16 16 38
like "force: the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "report: the same, told before" revokectl policy set reason writeback-background action report
is "report: the device writes" "$(h A dma 0 0 65536 39)" ok
flusher 50
like "report: A is told" "$(h A wait 0 release-soon $SOON)" '*reason=writeback-background *'
like "report: taken" "$(h A wait 0 revoked $SOON)" '*reason=writeback-other forced=1 *'
flusher 0
ok "report: and written" wait_for 20 raw_is 16 16 39
like "report: the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "as it was" revokectl policy set reason writeback-background action skip

is "A listens no more" "$(h A close 0)" ok
is "the device writes a third time" "$(h A dma 0 0 65536 36)" ok
flusher 50
ok "nobody to ask: written at once" wait_for 20 raw_is 16 16 36
flusher 0
like "by the backstop" "$(h A state 0)" '* reason=writeback-other'

echo "$expire" > $vm/dirty_expire_centisecs
stop A
nothing_left
done_testing
