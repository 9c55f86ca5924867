#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# The budget: how long one user may delay others. U never answers in time, and says
# something afterwards, so that it is asked again; what others have waited for it is
# the kernel's own figure.
#
# Must never take time that comes back meanwhile for something else: nothing that is
# to be empty has room for a few seconds of it.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SLOW=${VM_SLOW:-1}
G=$((1000 * SLOW))	# the grace
LEN=65536
PARAM=/sys/module/pin_revoke/parameters/budget_ms

budget() { echo $(($1 * SLOW)) > $PARAM; }
# delayed - milliseconds that others have waited, for those who have a budget
delayed() { echo $(($(revokectl -j stat show | grep -o '"delayed_ns":[0-9]*' | cut -d: -f2) / 1000000)); }
# left_of PIN - what its user has left; nothing: there is no limit
left_of() { revokectl policy show pin "$1" | sed -n 's/^writeback-sync .* left \([0-9]*\) ms$/\1/p'; }
user() { start "$1" setpriv --reuid "$2" --clear-groups "${@:3}"; }

# pins NAME FILE PINS - it maps the file, listens and pins parts of it
pins() {
	local n
	is "$1 maps its file" "$(h "$1" map 0 "$SCRATCH/$2" $((2 * LEN)) shared)" ok
	is "$1 listens" "$(h "$1" listen 0)" ok
	for ((n = 0; n < $3; n++)); do
		like "$1 pins" "$(h "$1" pin $n 0+$((n * LEN)) $LEN w)" 'ok fd=*'
	done
}

# round DESCRIPTION NAME FILE - everybody's pins are there; B's fsync; sets waited, for
# those with a budget, and line
round() {
	local before
	ok "$1: the pin is there" wait_for 20 state_like "$2" 0 "ok live=1 *"
	before=$(delayed)
	line=$(h B fsync "$3")
	like "$1: fsync is through" "$line" 'ok ms=*'
	waited=$(($(delayed) - before))
	diag "waited $waited ms"
}

# namespace UID FIRST - a user namespace of that user with uids from FIRST on; sets ns to
# a process in it
namespace() {
	setpriv --reuid "$1" --clear-groups unshare --user sleep 1000 &
	ns=$!
	wait_for 10 eval "[ \$(readlink /proc/$ns/ns/user) != $(readlink /proc/self/ns/user) ]" &&
		echo "0 $2 10" > /proc/$ns/uid_map && echo "0 $2 10" > /proc/$ns/gid_map
}

# runs_as NAME UID
runs_as() { [ "$(stat -c %u "/proc/${holder_pid[$1]}")" = "$2" ]; }

# heard - U says something, late
heard() { h U ack 0 "$request" 0 quiesced; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules budget_ms=$((2200 * SLOW))
chmod 666 /dev/pin_dummy
for file in one two three; do zeroes $file 32; done
chmod 666 "$SCRATCH"/{one,two,three}
ok "a grace" grace 1000
start B
n=0
for file in one two three; do
	is "B maps the files" "$(h B map $n "$SCRATCH/$file" $((2 * LEN)) shared)" ok
	n=$((n + 1))
done
user U 1234
pins U one 2
pin=$(last_pin)
is "all is left" "$(left_of "$pin")" $((2200 * SLOW))

# Two pins, waited for side by side: once
begun=${EPOCHREALTIME/./}
round first U 0
ok "first: a grace, and not two" test $waited -ge $G -a $waited -lt $((2 * G))
event=$(h U wait 0 release-soon 5000)
like "first: U was asked" "$event" 'ok release-soon *'
request=$(value request "$event")
like "U says something" "$(heard)" 'error ESTALE *'
round second U 0
ok "second: a grace" test $waited -ge $G
like "U says something" "$(heard)" 'error ESTALE *'
# On a slow machine as much as a grace may have come back.
whole=$((2700 * SLOW - $(left_of "$pin")))
echo $whole > $PARAM
round third U 0
ok "third: what is left" test $waited -lt $G
total=$(delayed)
elapsed=$(((${EPOCHREALTIME/./} - begun) / 1000))
ok "all together: the budget, and what came back" \
	test "$total" -le $((whole + (elapsed - total) / 4 + 100 * SLOW))
diag "$total ms in $elapsed ms"
ok "it was counted" grep -q '"broke":[1-9]' <(revokectl -j stat show)

# Nothing is left, whatever U does
ok "a budget that is spent" budget 300
like "U says something" "$(heard)" 'error ESTALE *'
round empty U 0
is "empty: nobody waits" $waited 0
is "U lets go" "$(h U unpin 0)" ok
is "of both" "$(h U unpin 1)" ok
is "U closes its context" "$(h U close 0)" ok
pins U one 1
round "a new pin" U 0
is "a new pin: nobody waits" $waited 0
stop U
namespace 1234 200000 || bail "no user namespace"
start V nsenter --user --target $ns
pins V one 1
ok "another uid, in a user namespace of the first" runs_as V 200000
is "another uid: nothing is left" "$(left_of "$(last_pin)")" 0
round "another uid" V 0
is "another uid: nobody waits" $waited 0
stop V
{ kill $ns; wait $ns; } 2> /dev/null

# Others have their own
user A 4321
pins A two 1
ok "a budget for one grace" budget 1200
before=$(delayed)
tell B fsync 1
event=$(h A wait 0 release-soon 5000)
like "another user: A is asked" "$event" 'ok release-soon *'
more=$(value granted "$(h A ack 0 "$(value request "$event")" 0 extend 1000)")
# The request began a moment before A was asked, whose time runs since then.
ok "another user: more time, as much as is left" \
	test "$more" -ge $((150 * SLOW)) -a "$more" -le $((250 * SLOW))
diag "$more ms more"
like "another user: fsync is through" "$(hear B)" 'ok ms=*'
ok "another user: a grace, and that" test $(($(delayed) - before)) -ge $((G + more - 1))
stop A
namespace 0 300000 || bail "no user namespace"
start C nsenter --user --target $ns
pins C two 1
ok "root of a container" runs_as C 300000
is "root of a container: all is left of its own" "$(left_of "$(last_pin)")" $((1200 * SLOW))
stop C
{ kill $ns; wait $ns; } 2> /dev/null
start R
pins R three 1
ok "no budget at all" budget 0
is "root has no limit" "$(left_of "$(last_pin)")" ''
round root R 2
ok "root: a grace" test "$(value ms "$line")" -ge $G
is "root: which is nobody's" $waited 0
stop R B
nothing_left
done_testing
