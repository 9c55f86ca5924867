# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A driver oopses in ->quiesce(), in a worker of the core's and in the process that lets
# go of its pin. It is over with that pin: nobody may say that its device has stopped. With
# all others the core goes on. Not in who cleans the pages: he is killed in the middle of
# the file system and with requests for the disk on his stack, which no kernel survives.
# tests/vm/crash-test.sh runs this in a guest of its own.
#
# Must never be waited for by what waits for the broken pins: it leaves them behind.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

LEN=65536
# done_in SECONDS CMD... - it does not hang
done_in() { timeout $(($1 * ${VM_SLOW:-1})) "${@:2}"; }
oopsed() { [ "$(dmesg | grep -c 'kernel NULL pointer dereference')" = "$1" ]; }
asked_for() { revokectl -j request show | grep -q "\"reason\":\"$1\""; }

# works WHAT - C's pin is asked for, taken, and comes back; a new one, too
works() {
	local line
	is "$1: C's device writes" "$(h C dma 0 0 $LEN $2)" ok
	tell B fsync 1
	line=$(h C wait 0 release-soon 10000)
	like "$1: C is asked" "$line" 'ok release-soon *reason=writeback-sync*'
	is "$1: C answers" "$(h C ack 0 "$(value request "$line")" 0 quiesced)" ok
	like "$1: B's fsync" "$(hear B)" 'ok ms=*'
	is "$1: the disk has it" "$(raw 0 16)" "$2"
	ok "$1: C's pin comes back" wait_for 30 state_like C 0 'ok live=1 *'
	like "$1: C is told" "$(h C wait 0 restored 10000)" 'ok restored *'
	like "$1: C pins more" "$(h C pin 1 0+0 $LEN w)" 'ok fd=*'
	is "$1: C's device writes there" "$(h C dma 1 0 $LEN $2)" ok
	is "$1: C lets go of it" "$(h C unpin 1)" ok
	for what in pin holder request stat orphan; do
		ok "$1: $what show" done_in 30 revokectl $what show
	done
}

echo 0 > /proc/sys/kernel/panic_on_oops
# They do, for ever.
echo 0 > /proc/sys/kernel/hung_task_timeout_secs
ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
zeroes one 16
zeroes two 16
new_file three 16 || bail "no file in one piece"
start B
is "B has its file" "$(h B map 1 "$SCRATCH/three" $LEN shared)" ok
start C
is "C maps it" "$(h C map 0 "$SCRATCH/three" $LEN shared)" ok
is "C listens" "$(h C listen 0)" ok
like "C pins it" "$(h C pin 0 0+0 $LEN w)" 'ok fd=*'
ids=()
for name in A D; do
	file=one
	[ $name = A ] || file=two
	start $name
	is "$name maps another" "$(h $name map 0 "$SCRATCH/$file" $LEN shared)" ok
	is "$name listens" "$(h $name listen 0)" ok
	like "$name pins it" "$(h $name pin 0 0+0 $LEN wk)" 'ok fd=*'
	ids[${#ids[@]}]=$(last_pin)
done
works "before" 11

# In the worker that ends a request
knob crash 1
refused "worker: who waits for it is told" . done_in 20 revokectl pin revoke "${ids[0]}" grace 100 wait
ok "worker: it was an oops" wait_for 20 oopsed 1
ok "worker: the pin is still listed" sh -c "revokectl -j pin show | grep -q '\"id\":${ids[0]},'"
ok "worker: so is what was asked for" asked_for admin
works "worker" 12

# In a process that lets go of its pin
tell D unpin 0
ok "process: it was an oops" wait_for 20 oopsed 2
works "process" 13
refused "the core stays" "in use" rmmod pin_revoke
done_testing
