#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Requests of an administrator by process, driver, device, file, range, file
# system, memory and node; drains, which keep pins away; sleep, which takes all;
# short memory, which takes what is given.
#
# Must never sleep to see that nothing happens: something else happens meanwhile.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=20000	# for an event to arrive, ms
LEN=65536

# revoked NAME - how often its pin was
revoked() { value quiesces "$(h "$1" state 0)"; }
live() { state_like "$1" 0 'ok live=1 *'; }
away() { state_like "$1" 0 'ok live=0 *'; }
stat() { revokectl -j stat show | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }

# meant - the numbers in a list of pins
meant() { grep -o '"id":[0-9]*' | cut -d: -f2 | paste -sd ' '; }

# takes WHAT NAMES WORD... - a request without grace takes the pins of these, of
# the two, and no other, as the dry run said; all come back
takes() {
	local what=$1 names=$2 name a b
	shift 2
	a=$(revoked A) b=$(revoked B)
	is "$what: the dry run" "$(revokectl -j -n pin revoke "$@" grace 0 | meant)" \
		"$(for name in $names; do echo "${pin_of[$name]}"; done | paste -sd ' ')"
	is "$what: so many pins" "$(revokectl -j pin revoke "$@" grace 0)" \
		"[{\"pins\":$(wc -w <<< "$names")}]"
	for name in A B; do
		local before=$a
		[ $name = A ] || before=$b
		if [[ " $names " == *" $name "* ]]; then
			is "$what: $name is taken" "$(revoked $name)" $((before + 1))
			ok "$what: $name is back" wait_for 20 live $name
		else
			is "$what: $name is left alone" "$(revoked $name)" "$before"
		fi
	done
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file one 32 && new_file two 32 || bail "no files"
start A
start B
like "A maps a file" "$(h A map 0 "$SCRATCH/one" 131072 shared)" ok
like "B maps another" "$(h B map 0 "$SCRATCH/two" 131072 shared)" ok
declare -A pin_of
like "A pins it" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
pin_of[A]=$(last_pin)
like "B pins it" "$(h B pin 0 0+$LEN $LEN w)" 'ok fd=*'
pin_of[B]=$(last_pin)
is "two pins are counted" "$(stat pins) $(stat pinned_bytes)" "2 $((2 * LEN))"

takes "by process" A pid "${holder_pid[A]}"
takes "by no process" "" pid 1
takes "by driver" "A B" driver pin_dummy
takes "by another driver" "" driver rdma_rxe
takes "by device" "A B" device dummy
takes "by part of its name" "" device dum
takes "by file" A file "$SCRATCH/one"
takes "by range" B file "$SCRATCH/two" offset $LEN length 4096
takes "by another range" "" file "$SCRATCH/two" length $LEN
takes "by file system" "A B" fs "$SCRATCH"
takes "by another file system" "" fs /run
takes "by node" "A B" node 0
takes "by two words" B fs "$SCRATCH" pid "${holder_pid[B]}"

like "A touches its memory" "$(h A touch 0+0 $LEN 1)" ok
start=$(awk -v f="$SCRATCH/one" '$6 == f { sub("-.*", "", $1); print $1; exit }' \
	"/proc/${holder_pid[A]}/maps")
entry=$(dd if="/proc/${holder_pid[A]}/pagemap" bs=8 skip=$((16#$start / 4096)) count=1 \
	status=none | od -An -t u8)
takes "by memory" A memory $(((entry & ((1 << 55) - 1)) * 4096)) length 1
takes "by other memory" "" memory 0 length 4096

refused "a node that is not there" "no such node" revokectl pin revoke node 63
refused "a range of no file" "go with file-fd" revokectl pin revoke pid 1 offset 5
refused "memory without length" "go together" revokectl pin revoke memory 4096
refused "a dry run of a node that is not there" "no such node" revokectl -n pin drain node 63
refused "a dry run of memory without length" "go together" revokectl -n pin revoke memory 4096
refused "a dry run of no pin" "no such pin" revokectl -n pin drain 4711
for where in 'node 0' 'memory 0 length 4096'; do
	# shellcheck disable=SC2086 # words
	refused "nobody learns what is in $where" "as root" setpriv --reuid 65534 --clear-groups \
		revokectl -n pin revoke $where
done
refused "nobody may" "as root" setpriv --reuid 65534 --clear-groups \
	revokectl pin drain fs "$SCRATCH"

# A drain: A answers, B has nobody who does
is "A listens" "$(h A listen 0)" ok
mkfifo /run/hold
revokectl pin drain fs "$SCRATCH" grace 15000 -- cat /run/hold > /run/drained &
drain=$!
event=$(h A wait 0 release-soon $SOON)
like "A is asked" "$event" 'ok release-soon *reason=drain *'
ok "B is taken at once" wait_for 10 away B
is "A answers" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=drain forced=0 *'
exec 7> /run/hold
like "another pin of A's" "$(h A pin 1 0+$LEN $LEN w)" 'ok fd=*'
for round in 1 2 3; do
	ok "that one is taken, round $round" revokectl pin revoke "$(last_pin)" grace 0
	ok "and comes back, round $round" wait_for 20 state_like A 1 'ok live=1 *'
done
ok "A's is still away" away A
ok "B's is still away" away B
like "an fsync has nothing to ask for there" "$(h B fsync 0)" 'ok ms=*'
exec 7>&-
wait $drain
is "the command ends, and the drain" $? 0
ok "A's pin is back" wait_for 20 live A
ok "B's pin is back" wait_for 20 live B
is "A lets go of the other" "$(h A unpin 1)" ok
revokectl pin drain pid "${holder_pid[B]}" grace 0 -- cat /run/hold &
drain=$!
exec 7> /run/hold
ok "B is drained" wait_for 10 away B
pkill -KILL -P $$ -x revokectl
{ wait $drain; } 2>/dev/null
exec 7>&-
ok "the tool is killed: the pin is back" wait_for 20 live B

# Sleep, as far as frozen processes
echo 0 > /sys/power/sync_on_suspend
echo freezer > /sys/power/pm_test
echo 0 > /sys/module/suspend/parameters/pm_test_delay
before=$(revoked B)
revokectl policy set reason suspend grace 15000
echo mem > /sys/power/state &
event=$(h A wait 0 release-soon $SOON)
like "before sleep A is asked" "$event" 'ok release-soon *reason=suspend *'
ok "B is taken" wait_for 10 away B
is "A gives it" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
wait $!
is "the machine has slept" $? 0
ok "awake, A's pin is back" wait_for 20 live A
ok "and B's" wait_for 20 live B
is "B's was taken once" "$(revoked B)" $((before + 1))

# Short memory
pressed() {
	echo 2 > /proc/sys/vm/drop_caches
	event=$(h A wait 0 release-soon 200)
	[[ $event == 'ok release-soon '*reason=pressure* ]]
}
before=$(revoked A) missed=$(stat missed)
wait_for 30 pressed
like "memory is short: A is asked" "$event" 'ok release-soon *reason=pressure *'
like "it keeps its pin: it is not taken" "$(h A wait 0 cancelled $SOON)" 'ok cancelled *'
ok "it has it" live A
is "it was not taken meanwhile" "$(revoked A)" "$before"
is "nor does it count as missed" "$(stat missed) $(stat pressure_bytes)" "$missed 0"
revokectl policy set reason pressure grace 15000
wait_for 30 pressed
like "A is asked again" "$event" 'ok release-soon *reason=pressure *'
is "it gives it" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "that is taken" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=pressure forced=0 *'
is "and counted" "$(stat pressure_bytes)" $LEN
ok "and is back later" wait_for 20 live A

stop A B
nothing_left
done_testing
