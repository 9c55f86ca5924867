#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# When a pin comes back, and when it must not yet: while who took it is still at
# work, while its pages are on their way to the disk, when the driver cannot have
# it, and in a storm of fsyncs. And that it does not come back from the dead.
#
# Must never take "not restored" for granted before something that is restored at
# the same time has been seen.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

PATH=$PATH:/pr/tests
LEN=65536	# of a pin
tracing=/sys/kernel/tracing
disk=/dev/dm-0

same() { local what=$1; shift; is "$what" "$(h "$@")" ok; }
timed() { local what=$1; shift; like "$what" "$(h "$@")" 'ok ms=*'; }
is_live() { wait_for 20 state_like A "$1" 'ok live=1 *'; }
events() { echo "$1" > $tracing/events/pin_revoke/enable; }
no_pins() { [ "$(revokectl -j pin show)" = '[]' ]; }
times() { [ "$(grep -c "$2" $tracing/trace)" -ge "$1" ]; }

# another_is_back DESCRIPTION - C's memory is taken and restored, from now on
another_is_back() {
	local before
	before=$(value restores "$(h C state 0)")
	is "$1: root takes another pin" "$(core-nl revoke pin="$another" grace-ms=0)" ok
	ok "$1: which is back" wait_for 20 state_like C 0 "ok live=1 * restores=$((before + 1)) *"
}

ok "the disk can be stopped" modprobe dm_mod
ok "it is another name of the data disk" dmsetup create --noudevsync --noudevrules \
	stopped --table "0 $(blockdev --getsz "$DATA") linear $DATA 0"
ok "ext4 on it" mkfs.ext4 -q -F -b 4096 $disk
ok "mounted" mount $disk "$SCRATCH"
ok "core and driver" modules
zeroes two 32
new_file file 32 || bail "no file in one piece"
start C
same "C has memory" C map 0 anon $LEN private
like "C pins it" "$(h C pin 0 0+0 $LEN w)" 'ok fd=*'
another=$(last_pin)
for name in A B C; do
	[ $name = C ] || start $name
	same "$name maps the file" $name map 1 "$SCRATCH/file" 131072 shared
done
for name in A B C; do
	same "$name maps another" $name map 2 "$SCRATCH/two" 131072 shared
done
same "B has the file" B map 0 "$SCRATCH/file" 4096 shared

# The pages are under writeback, and nobody waits for that.
like "writeback: A pins" "$(h A pin 0 1+0 $LEN we)" 'ok fd=*'
ok "writeback: the device writes" wait_for 20 passes_more A 0 2
before=$(passes A 0)
ok "writeback: the disk is stopped" dmsetup suspend --noudevsync --noflush --nolockfs stopped
timed "writeback: the pages are sent to it" B start-writeback 0 0 $LEN
like "writeback: the pin is taken" "$(h A state 0)" 'ok live=0 quiesces=1 * reason=writeback-other'
another_is_back writeback
like "writeback: the pin is not" "$(h A state 0)" 'ok live=0 quiesces=1 restores=1 *'
ok "writeback: the disk goes on" dmsetup resume --noudevsync stopped
ok "writeback: the pin is back" is_live 0
ok "writeback: the disk has what was sent" least_is_at 0 16 "$before"
ok "writeback: and gets the rest" fsync_has A 0 0 16 B
same "writeback: A lets go" A unpin 0

# A punch has unmapped A's pages, and is held before it takes them from the file. What
# is cached could be pinned again at once. Read pins: there is nothing to write.
like "in flight: A pins to read" "$(h A pin 0 2+0 $LEN -)" 'ok fd=*'
like "in flight: so does C" "$(h C pin 1 2+$LEN $LEN k)" 'ok fd=*'
timed "in flight: nothing is dirty" B fsync 2
hold quiesce
tell B punch 2 0 131072
ok "in flight: the punch is at C's pin" wait_for 20 held 1
like "in flight: A's pin is taken" "$(h A state 0)" 'ok live=0 quiesces=1 *'
another_is_back "in flight"
like "in flight: A's pin is not" "$(h A state 0)" 'ok live=0 quiesces=1 restores=1 *'
hold nowhere
like "in flight: the punch is done" "$(hear B)" 'ok ms=*'
ok "in flight: then A's pin is back" is_live 0
like "in flight: and was taken once" "$(h A state 0)" 'ok live=1 quiesces=1 restores=2 *'
same "in flight: C lets go" C unpin 1
same "in flight: A lets go" A unpin 0

# The driver cannot have it: not now, and not at all
same "fail: A listens" A listen 0
knob fail_map 5
is "fail: not at all, at first" "$(h A pin 0 1+0 $LEN wek)" 'error EIO'
ok "fail: nothing is pinned" wait_for 10 state_like C 0 'ok live=1 *'
knob fail_map 0
like "fail: A pins" "$(h A pin 0 1+0 $LEN wek)" 'ok fd=*'
same "fail: A listens no more" A close 0
knob fail_map 12
events 1
echo > $tracing/trace
ok "fail: fsync has what was written" fsync_has A 0 0 16 B
ok "fail: not now, three times" wait_for 20 times 3 'pin_revoke_restore:.*err=-12'
like "fail: the driver has no pages" "$(h A state 0)" 'ok live=0 quiesces=1 restores=1 maps=1 unmaps=1 *'
timed "fail: fsync does not care" B fsync 0
knob fail_map 0
ok "fail: the pin is back" is_live 0
same "fail: A listens again" A listen 0
same "fail: and is no more" A close 0
knob fail_map 5
ok "fail: fsync has what was written since" fsync_has A 0 0 16 B
ok "fail: not at all" wait_for 20 state_like A 0 'ok live=0 quiesces=2 *gones=1 *'
timed "fail: fsync does not care about that either" B fsync 0
knob fail_map 0
same "fail: A lets go" A unpin 0

# A storm: each time the pin is back it is taken again. It stays away for longer and
# longer, and it serves for a little each time.
like "storm: A pins" "$(h A pin 0 1+0 $LEN we)" 'ok fd=*'
echo > $tracing/trace
start H
same "storm: H has the file" H map 0 "$SCRATCH/file" 4096 shared
before=$(passes A 0)
same "storm: H writes and fsyncs all the time" H hammer 0
ok "storm: the pin is taken ten times" wait_for 30 state_like A 0 'ok * quiesces=[1-9][0-9] *'
stop H
events 0
ok "storm: the device worked meanwhile" passes_more A 0 $((before + 10))
# spans FROM TO - of states, in ms, in order of their length
spans() {
	awk -v from="state=$1\$" -v to="state=$2\$" '
		!/pin_revoke_state:/ { next }
		{ match($0, / [0-9]+\.[0-9]+: /); at = substr($0, RSTART + 1, RLENGTH - 3) * 1000 }
		/state=[0-9]->[0-9]/ { sub(/.*state=/, "state="); sub(/ .*/, "") }
		$0 ~ from { begun = at }
		$0 ~ to && begun { printf "%d\n", at - begun; begun = 0 }' $tracing/trace | sort -n
}
away=$(spans '[12]->3' '3->4') served=$(spans '4->1' '1->3')
diag "away $(paste -sd ' ' <<< "$away"), served $(paste -sd ' ' <<< "$served") ms"
ok "storm: it was away for the hold-off" test "$(head -n 1 <<< "$away")" -ge 18
ok "storm: which became longer" test "$(tail -n 1 <<< "$away")" -ge 150
ok "storm: it served" test "$(sed -n 5p <<< "$served")" -ge 15
ok "storm: the pin is back" is_live 0
same "storm: A lets go" A unpin 0

# A revoked pin is charged for
chmod 666 /dev/pin_dummy
start N prlimit --memlock=$LEN setpriv --reuid 65534 --regid 65534 --clear-groups
chmod 666 "$SCRATCH/file"
same "limit: nobody has the file" N map 0 "$SCRATCH/file" $LEN shared
same "limit: and memory" N map 1 anon 4096 private
like "limit: pins all it may" "$(h N pin 0 0+0 $LEN wl)" 'ok fd=*'
timed "limit: fsync" B fsync 0
ok "limit: which takes it" wait_for 20 state_like N 0 'ok live=0 * unmaps=1 *'
is "limit: nobody may not pin more" "$(h N pin 1 1+0 4096 w)" 'error ENOMEM'
same "limit: nobody lets go" N unpin 0
like "limit: and may" "$(h N pin 1 1+0 4096 w)" 'ok fd=*'
stop A B C N
ok "the file system can be left" umount "$SCRATCH"
ok "so can its disk" dmsetup remove --noudevsync stopped

# Whoever has a descriptor of the driver is not whose memory it is: a process ends,
# its child still has the device open. DAX would wait for the pages for ever.
ok "exit: there is persistent memory" pmem
DATA=$PMEM
ok "exit: ext4 on it" scratch ext4-dax -b 4096
zeroes dax 16
zeroes kept 16
start B
start K
same "exit: B has a file" B map 0 "$SCRATCH/dax" $LEN shared
same "exit: K maps it" K map 0 "$SCRATCH/dax" $LEN shared
like "exit: K pins it" "$(h K pin 0 0+0 $LEN wl)" 'ok fd=*'
same "exit: maps another, only to read" K map 1 "$SCRATCH/kept" $LEN ro
like "exit: and pins that" "$(h K pin 1 1+0 $LEN -)" 'ok fd=*'
child=$(value pid "$(h K fork)")
killed K
like "exit: a child has it open" "$(readlink "/proc/$child"/fd/* | paste -sd ' ')" '*/dev/pin_dummy*'
like "exit: the pins are gone" "$(revokectl -j pin show)" '*"state":"gone"*"state":"gone"*'
cut=$(h B truncate 0 0)
like "exit: the file is cut off" "$cut" 'ok ms=*'
between "exit: in time" "$(value ms "$cut")" 0 5000
kill -KILL "$child"
ok "exit: the child closes it" wait_for 20 no_pins
stop B
nothing_left
done_testing
