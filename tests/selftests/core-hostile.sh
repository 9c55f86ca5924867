#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# A user without rights who means it, alone in each role and with 100 processes at once,
# see core-hostile.c: limits hold, who fsyncs waits for no longer than the budget, memory
# is charged to whoever takes it, names are only names, and nothing is left.
#
# Must never measure time on the clock where the kernel counts it: the guest is slow.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

PATH=$PATH:/pr/tests
PARAM=/sys/module/pin_revoke/parameters
group=/sys/fs/cgroup/hostile
python=/usr/bin/python3
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# stat_of NAME - that counter
stat_of() { revokectl -j stat show | grep -o "\"$1\":[0-9]*" | cut -d: -f2; }
no_pins() { [ "$(revokectl -j pin show)" = '[]' ]; }
# What is in flight in a circle of sockets is freed when one more is closed.
no_circle() { $python -c 'import socket; socket.socketpair()'; no_pins; }
has() { grep -q "$1" "$2"; }

# hostile ARG... - core-hostile as nobody, in the cgroup. What it says is in /run/hostile
hostile() {
	: > /run/hostile
	(
		echo $BASHPID > $group/cgroup.procs
		exec "${nobody[@]}" core-hostile "$@" > /run/hostile 2> /dev/null
	) &
	hostile=$!
	wait_for 60 has begun /run/hostile
}
# hostile_ends WHAT - all of them, whatever they have become
hostile_ends() {
	{ echo 1 > $group/cgroup.kill; wait $hostile; } 2> /dev/null
	ok "$1: they end" wait_for 60 has 'populated 0' $group/cgroup.events
	is "$1: get away with nothing" "$(got_away)" ''
	ok "$1: nothing is left" wait_for 60 no_circle
}
got_away() { grep '^bad' /run/hostile | sort | uniq -c; }

# alone ROLE
alone() {
	hostile "$1" "$SCRATCH/file" || fail "$1: does not begin"
	for n in 1 2 3; do
		h B touch 0+0 65536 $n > /dev/null
		like "$1: fsync" "$(h B fsync 0)" 'ok ms=*'
	done
	hostile_ends "$1"
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
new_file other 16 || bail "no file in one piece"
chmod 666 /dev/pin_dummy "$SCRATCH/file"
chmod 755 "$SCRATCH"
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
ok "a memory cgroup" mkdir $group
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "B has another" "$(h B map 1 "$SCRATCH/other" 65536 shared)" ok
grace 100

for role in greedy silent guess extend reopen traced in-flight contained orphans; do
	alone $role
done

# Names
hostile odd-names "$SCRATCH/file" || fail "names: they do not begin"
listed() { [ "$(revokectl -j pin show | grep -o '"id"' | wc -l)" -ge 8 ]; }
ok "names: all are there" wait_for 30 listed
revokectl -j pin show > /run/names.json
revokectl pin show > /run/names.txt
revokectl export prometheus > /run/names.prom
ok "names: JSON is JSON, and they are strings in it" $python - << 'END'
import json
names = {pin["name"] for pin in json.load(open("/run/names.json"))}
assert {"<script>alert(1)</script>", "$(reboot)", "%s%n%s"} <= names, names
assert len(names) == 8 and all(name.isprintable() for name in names), names
END
refused "names: a terminal is not told anything" '^$' grep -aqP '[\x00-\x08\x0b-\x1f\x7f]' /run/names.txt
ok "names: metrics are metrics" $python - << 'END'
import re
line = re.compile(r'(#.*|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\"n])*",?)*\})? [-+0-9.e]+)\n')
lines = open("/run/names.prom", errors="surrogateescape").readlines()
assert lines and all(line.fullmatch(text) for text in lines), lines
assert not [text for text in lines if text.startswith("pin_revoke_pins 99")], lines
END
hostile_ends names

# A pid that was another's
line=$(core-hostile reuse "$SCRATCH/file" 2>&1)
like "a pid again: it is the same" "$line" "newcomer*first had ${line:9:0}*status 0"
refused "a pid again: it has nothing of it" '^$' grep -q bad <<< "$line"
ok "a pid again: nothing is left" wait_for 30 no_pins

# Memory
before=$(cat $group/memory.current)
start M "${nobody[@]}"
echo "${holder_pid[M]}" > $group/cgroup.procs
is "memory: M listens" "$(h M listen 0)" ok
is "memory: M has some" "$(h M map 0 anon $((200 * 4096)) private)" ok
refused_one=
for ((n = 0; n < 50; n++)); do
	[[ $(h M declare 0 0+0 4096 w 200) == 'ok first='* ]] || refused_one=1
done
is "memory: M declares 10000 ranges" "$refused_one" ''
taken=$(($(cat $group/memory.current) - before))
ok "memory: ranges are charged to who declares them" test $taken -ge $((10000 * 256))
diag "$taken bytes for 10000 ranges"
stop M
ok "memory: nothing is left" wait_for 30 no_pins

# Processors that are never left, and hardly for user space. The kernel's own functions
# cannot be put back then, and who pins meanwhile has nothing to do with that.
arming() { cat /proc/[0-9]*/stack 2> /dev/null | grep -q 'pinr_.*arm_work'; }
not_arming() { ! arming; }
start A
is "busy: A has the file" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "busy: A listens" "$(h A listen 0)" ok
like "busy: A pins" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
hogs=()
for n in 1 2 3 4; do
	"${nobody[@]}" dd if=/dev/zero of=/dev/null bs=64M status=none &
	hogs+=($!)
done
is "busy: A unpins" "$(h A unpin 0)" ok
ok "busy: functions are put back" wait_for 30 arming
like "busy: A pins all the same" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
like "busy: fsync" "$(h B fsync 0)" 'ok ms=*'
{ kill "${hogs[@]}"; wait "${hogs[@]}"; } 2> /dev/null
ok "busy: it is over" wait_for 120 not_arming
ok "busy: the pin is there" wait_for 20 state_like A 0 'ok live=1 *'
h B touch 0+0 65536 78 > /dev/null
tell B fsync 0
like "busy: A is asked again" "$(h A wait 0 release-soon 10000)" 'ok release-soon *reason=writeback-sync *'
like "busy: B's fsync" "$(hear B)" 'ok ms=*'
stop A

# All
echo $((2000 * ${VM_SLOW:-1})) > $PARAM/budget_ms
hostile all "$SCRATCH/file" 100 || fail "100: they do not begin"
before=$(stat_of delayed_ns) begun=${EPOCHREALTIME/./}
n=0 through=0
while [ $((${EPOCHREALTIME/./} - begun)) -lt 15000000 ]; do
	h B touch 0+0 65536 $((++n % 250)) > /dev/null
	[[ $(h B fsync 0) == 'ok ms='* ]] || break
	h B touch 1+0 65536 $((n % 250)) > /dev/null
	[[ $(h B fsync 1) == 'ok ms='* ]] || break
	through=$n
done
is "100: who fsyncs gets on" "$through" $n
delayed=$((($(stat_of delayed_ns) - before) / 1000))
time=$((${EPOCHREALTIME/./} - begun))
most=$((2000000 * ${VM_SLOW:-1} + time / 4))
ok "100: others wait for no longer than the budget" test $delayed -le $((most + 100000))
diag "$n rounds; delayed $((delayed / 1000)) ms in $((time / 1000)) ms, at most $((most / 1000))"
diag "revoked $(stat_of revoked), forced $(stat_of forced), broke $(stat_of broke), dropped $(stat_of events_dropped)"
hostile_ends 100
h B touch 0+0 65536 77 > /dev/null
like "100: fsync afterwards" "$(h B fsync 0)" 'ok ms=*'
ok "a file in one piece" new_file third 16
stop B
rmdir $group
nothing_left
done_testing
