#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
#
# A driver is unbound from its device while there are pins on it: who can answer
# is asked, what is left is taken, and none of them comes back. Nor does it when the
# device is busy and takes longer to stop than it may: which is counted, and said once.
#
# Must never leave a device running once the unbinding has returned.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000	# for an event to arrive, ms
LEN=65536
driver=/sys/bus/platform/drivers/pin_dummy

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 48 || bail "no file in one piece"
start A
start B
start C
for name in A B C; do
	is "$name maps the file" "$(h $name map 0 "$SCRATCH/file" 196608 shared)" ok
done
is "A listens" "$(h A listen 0)" ok
is "C listens" "$(h C listen 0)" ok
like "A pins" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
like "A pins memory, too" "$(h A map 1 anon $LEN private; h A pin 1 1+0 $LEN wa)" '*ok fd=*'
like "B pins" "$(h B pin 0 0+$LEN $LEN w)" 'ok fd=*'
like "C pins" "$(h C pin 0 0+131072 $LEN w)" 'ok fd=*'
is "A's device writes" "$(h A dma 0 0 $LEN 61)" ok
ok "a short grace" revokectl policy set reason driver-unbind grace $((3000 * ${VM_SLOW:-1}))

begun=${EPOCHREALTIME/./}
echo pin_dummy > $driver/unbind &
unbind=$!
event=$(h A wait 0 release-soon $SOON)
like "A is asked" "$event" 'ok release-soon *reason=driver-unbind *'
like "C is asked" "$(h C wait 0 release-soon $SOON)" 'ok release-soon *reason=driver-unbind *'
ok "B has nobody who answers: taken at once" wait_for 10 state_like B 0 'ok live=0 *'
is "A gives both" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=driver-unbind forced=0 *'
like "C's is still there" "$(h C state 0)" 'ok live=1 *'
like "C never answers: forced" "$(h C wait 0 revoked $((SOON + 3000 * ${VM_SLOW:-1})))" 'ok revoked *reason=driver-unbind forced=1 *'
wait $unbind
is "the driver is unbound" $? 0
between "after one grace" $(((${EPOCHREALTIME/./} - begun) / 1000)) 2500 8000
for name in A B C; do
	like "$name's device has stopped" "$(h $name state 0)" 'ok live=0 quiesces=1 *'
done
like "the one that the driver pinned, too" "$(h A state 1)" 'ok live=0 quiesces=1 *unpins=1 *'
like "A is told that it is for good" "$(h A wait 0 gone $SOON)" 'ok gone *reason=driver-unbind *'
like "so is C" "$(h C wait 0 gone $SOON)" 'ok gone *reason=driver-unbind *'
is "no pin is left active" "$(revokectl -j pin show | grep -o '"state":"[a-z]*"' | sort -u)" '"state":"gone"'
like "the device does not answer any more" "$(h A dma 0 0 $LEN 62)" 'error EFAULT*'
like "fsync has nothing to ask for" "$(h B fsync 0)" 'ok ms=*'
ok "what was written is on the disk" raw_is 0 16 61
like "A's cannot be pinned again" "$(h A unpin 0; h A pin 0 0+0 $LEN w)" '*error ENODEV*'
ok "there is no device" test ! -e /dev/pin_dummy
ok "bound again" sh -c "echo pin_dummy > $driver/bind"
like "a new file is a new device" "$(h A pin 2 0+0 $LEN w)" 'ok fd=*'
is "which works" "$(h A dma 2 0 $LEN 63)" ok
is "the others are let go" "$(h A unpin 1) $(h A unpin 2) $(h B unpin 0)" "ok ok ok"

# The device writes all the time, and somebody syncs.
counted() { revokectl -j stat show | grep -o '"overran":[0-9]*' | cut -d: -f2; }
is "slow: none was so far" "$(counted)" 0
like "slow: A pins" "$(h A pin 3 0+0 $LEN wek)" 'ok fd=*'
like "slow: B pins" "$(h B pin 3 0+$LEN $LEN wek)" 'ok fd=*'
ok "slow: A's device writes" wait_for 20 passes_more A 3 2
ok "slow: B's device writes" wait_for 20 passes_more B 3 2
ok "slow: no grace" revokectl policy set reason driver-unbind grace 0
knob slow_ms 1100
tell C fsync 0
ok "slow: the driver is unbound" sh -c "echo pin_dummy > $driver/unbind"
like "slow: fsync came to its end" "$(hear C)" 'ok ms=*'
done_a=$(passes A 3) done_b=$(passes B 3)
for name in A B; do
	like "slow: $name's device has stopped" "$(h $name state 3)" 'ok live=0 *'
done
knob slow_ms 0
ok "slow: each time was counted" test "$(counted)" -ge 2
is "slow: the driver is named once" "$(dmesg | grep -c 'pin_revoke: pin_dummy took .* ms to stop its device')" 1
ok "slow: bound again" sh -c "echo pin_dummy > $driver/bind"
is "slow: not a page was written since" "$(passes A 3) $(passes B 3)" "$done_a $done_b"
is "slow: they are let go" "$(h A unpin 3) $(h B unpin 3)" "ok ok"
stop A B C
nothing_left
done_testing
