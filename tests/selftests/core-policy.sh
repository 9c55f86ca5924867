#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Policies: of a reason, a user, a cgroup, a command name; which of them counts,
# what each action means for whoever needs the pages and for the holder, and
# what is refused.
#
# Must never believe a policy because it is shown: each is seen to work.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

LONG=15000	# of a grace, ms
SOON=10000	# for an event to arrive, ms
LEN=65536
SYNC='reason writeback-sync'
CG=/run/cgroup

set_() { revokectl policy set "$@"; }
# of NAME REASON - what holds for its pin, and where that comes from
of() { revokectl policy show pin "${pin_of[$1]}" | sed -n "s/^$2  *//p"; }
declare -A pin_of

# asked DESCRIPTION WHAT... - A's pin is asked for while B does that; sets event
asked() {
	local what=$1
	shift
	tell B "$@"
	event=$(h A wait 0 release-soon $SOON)
	like "$what: A is told" "$event" 'ok release-soon *'
}

# left DESCRIPTION MIN MAX - milliseconds that the event gives A
left() {
	local ms
	ms=$(value left "$event")
	ok "$1" test "$ms" -ge "$2" -a "$ms" -le "$3"
	diag "$ms ms, expected $2 to $3"
}

taken() {
	like "$1: A is told that it is taken" "$(h A wait 0 revoked $SOON)" "ok revoked *forced=$2 *"
	like "$1: it comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
}

# quick DESCRIPTION - B's answer: it waited for nobody
quick() { between "$1" "$(value ms "$(hear B)")" 0 3000; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
chmod 666 /dev/pin_dummy
new_file file 32 || bail "no file in one piece"
mkdir $CG
ok "cgroups" mount -t cgroup2 none $CG
mkdir -p $CG/up/down $CG/side
# A is in a cgroup; U is somebody else
start A bash -c "echo \$\$ > $CG/up/down/cgroup.procs; exec \"\$@\"" a
start B
chmod 666 "$SCRATCH/file"
for name in A B; do
	is "$name maps the file" "$(h $name map 0 "$SCRATCH/file" 131072 shared)" ok
done
is "A listens" "$(h A listen 0)" ok
like "A pins its first half" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
pin_of[A]=$(last_pin)
start U setpriv --reuid 1234 --clear-groups
is "U maps the file" "$(h U map 0 "$SCRATCH/file" 131072 shared)" ok
is "U listens" "$(h U listen 0)" ok
like "U pins the second half" "$(h U pin 0 0+$LEN $LEN w)" 'ok fd=*'
pin_of[U]=$(last_pin)

# What is there when nobody has set anything
is "built in" "$(of A writeback-sync)" "grace 1000 ms max-extend 1000 ms action wait"
is "built in: the flusher" "$(of A writeback-background)" \
	"max-extend 0 ms skip 30000 ms action skip"
is "built in: nobody is asked" "$(of A exit)" "grace 0 ms max-extend 0 ms action force"

# The most specific wins, value by value
ok "for all" set_ $SYNC grace 2000 max-extend 300
ok "for a user" set_ $SYNC uid 1234 grace 3000
ok "for root" set_ $SYNC uid 0 grace 4000 max-extend 400
ok "for a cgroup" set_ $SYNC cgroup $CG/up grace 5000
ok "for another" set_ $SYNC cgroup $CG/side grace 6000
is "the user's, and what is for all" "$(of U writeback-sync)" \
	"grace 3000 ms (uid) max-extend 300 ms (set) action wait left 10000 ms"
is "the cgroup's, and the user's" "$(of A writeback-sync)" \
	"grace 5000 ms (cgroup) max-extend 400 ms (uid) action wait"
ok "for a cgroup further down" set_ $SYNC cgroup $CG/up/down grace 7000 repeat 500
is "that one's" "$(of A writeback-sync)" \
	"grace 7000 ms (cgroup) max-extend 400 ms (uid) repeat 500 ms (cgroup) action wait"
ok "for a name" set_ $SYNC comm core-holder grace 1900 max-extend 100
is "a name makes it stricter" "$(of A writeback-sync)" \
	"grace 1900 ms (comm) max-extend 100 ms (comm) repeat 500 ms (cgroup) action wait"
ok "stricter for all" set_ $SYNC grace 900
ok "a cgroup's is gone" revokectl policy del $SYNC cgroup $CG/up/down
ok "and the next" revokectl policy del $SYNC cgroup $CG/up
ok "and root's" revokectl policy del $SYNC uid 0
is "a name never makes it softer" "$(of A writeback-sync)" \
	"grace 900 ms (set) max-extend 100 ms (comm) action wait"
number=$(stat -c %i $CG/side)
is "what is set is shown" "$(revokectl policy show | grep -E 'uid|cgroup|comm' | LC_ALL=C sort)" \
"writeback-sync       cgroup $number: grace 6000 ms
writeback-sync       comm core-holder: grace 1900 ms max-extend 100 ms
writeback-sync       uid 1234: grace 3000 ms"
like "in JSON, too" "$(revokectl -j policy show)" \
	'*{"reason":"writeback-sync","uid":1234,"grace_ms":3000}*'
like "and where it comes from" "$(revokectl -j policy show pin "${pin_of[U]}")" \
	'*"grace_ms":1900,"max_extend_ms":100,"repeat_ms":0,"action":"wait","grace_from":"comm",*'
ok "by its number" revokectl policy del $SYNC cgroup "$number"
refused "it was the last" 'nothing is set there' revokectl policy del $SYNC cgroup "$number"
ok "the name's is gone" revokectl policy del $SYNC comm core-holder
ok "and the user's" revokectl policy del $SYNC uid 1234
ok "what is for all goes back" revokectl policy del $SYNC
is "to what is built in" "$(of A writeback-sync)" "grace 1000 ms max-extend 1000 ms action wait"

# A grace for each pin of a request
ok "a long grace for the cgroup" set_ $SYNC cgroup $CG/up grace $LONG
ok "a longer one for U than for all" set_ $SYNC uid 1234 grace 9000
asked "each" fsync 0
left "each: A has the cgroup's" 9500 15000
request=$(value request "$event")
event=$(h U wait 0 release-soon $SOON)
is "each: the same request for U" "$(value request "$event")" "$request"
left "each: U has its own" 3000 9000
ok "each: what is set now is for the next" set_ $SYNC cgroup $CG/up grace 1
is "each: U answers" "$(h U ack 0 "$request" 0 quiesced)" ok
is "each: so does A, in time" "$(h A ack 0 "$request" 0 quiesced)" ok
like "each: fsync is through" "$(hear B)" 'ok ms=*'
taken each 0
is "U lets go" "$(h U unpin 0)" ok
ok "the next has it" set_ $SYNC cgroup $CG/up grace $((500 * ${VM_SLOW:-1}))
asked next fsync 0
left "next: less" 0 $((500 * ${VM_SLOW:-1}))
taken next 1
like "next: fsync is through" "$(hear B)" 'ok ms=*'

# A holder that missed its deadline is not asked before it has said something
again() { h A ack 0 "$(value request "$event")" 0 quiesced > /dev/null; }
again

# Repeated as often as the policy says, not only once
ok "repeat: set" set_ $SYNC cgroup $CG/up grace $LONG repeat 300
asked repeat fsync 0
for round in 1 2 3; do
	like "repeat: again, $round" "$(h A wait 0 repeat $SOON)" 'ok repeat *'
done
is "repeat: A answers" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
taken repeat 0
like "repeat: fsync is through" "$(hear B)" 'ok ms=*'

# The extension
ok "extend: set" set_ $SYNC cgroup $CG/up grace 9000 max-extend 50
asked extend fsync 0
is "extend: no more than that" "$(h A ack 0 "$(value request "$event")" 0 extend 5000)" "ok granted=50"
again
taken extend 0
like "extend: fsync is through" "$(hear B)" 'ok ms=*'

# What fails in the end, for the file system's own reasons, meets no backstop
vain() { xfs_io -c 'fcollapse 1 100' "$SCRATCH/file" 2>&1; }
# in_vain DESCRIPTION - nobody waits for A, who is told; sets event
in_vain() {
	local begun=${EPOCHREALTIME/./}
	like "$1: it fails" "$(vain)" '*Invalid argument*'
	between "$1: and waits for nobody" $(((${EPOCHREALTIME/./} - begun) / 1000)) 0 3000
	event=$(h A wait 0 release-soon $SOON)
	like "$1: A is told" "$event" 'ok release-soon *reason=fallocate *'
}
FALL='reason fallocate'

# Report: nothing is taken, whatever A says
ok "report: set" set_ $FALL uid 0 action report
ok "report: not the cgroup's" set_ $FALL cgroup $CG/up grace $LONG
in_vain report
is "report: A gives it, but it is not wanted" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "report: so A is told" "$(h A wait 0 cancelled $SOON)" 'ok cancelled *'
like "report: it was not taken" "$(h A state 0)" 'ok live=1 *'
ok "report: shorter" set_ $FALL cgroup $CG/up grace 300
in_vain "report, no answer"
like "report, no answer: it ends" "$(h A wait 0 cancelled $SOON)" 'ok cancelled *'
is "report, no answer: nobody missed anything" "$(revokectl -j stat show | grep -o '"missed":[0-9]*')" '"missed":1'
ok "report: an fsync" set_ $SYNC uid 0 action report
is "report: the device writes" "$(h A dma 0 0 $LEN 51)" ok
asked "report, fsync" fsync 0
quick "report, fsync: it waits for nobody"
taken "report, fsync: the backstop" 1
ok "report: on the disk" raw_is 0 16 51

# Ask: what is given is taken, the rest is not
ok "ask: set" set_ $FALL uid 0 action ask
in_vain "ask, no answer"
like "ask, no answer: it ends" "$(h A wait 0 cancelled $SOON)" 'ok cancelled *'
ok "ask: longer" set_ $FALL cgroup $CG/up grace $LONG
in_vain ask
is "ask: A gives it" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
taken ask 0

# Force: nobody is asked
ok "force: set" set_ $SYNC uid 0 action force
is "force: the device writes" "$(h A dma 0 0 $LEN 52)" ok
like "force: fsync" "$(h B fsync 0)" 'ok ms=*'
event=$(h A wait 0 revoked $SOON)
like "force: taken" "$event" 'ok revoked *forced=1 *'
is "force: and A was not asked" "$(value skipped "$event")" 0
like "force: it comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "force: on the disk" raw_is 0 16 52

# An administrator: without a backstop, force is at once; his own word counts more
ok "admin: force" set_ reason admin uid 0 action force
is "admin: taken at once" "$(revokectl -j pin revoke "${pin_of[A]}")" "[{\"pin\":${pin_of[A]}}]"
taken admin 1
ok "admin: with a grace of his own" revokectl pin revoke "${pin_of[A]}" grace $LONG
event=$(h A wait 0 release-soon $SOON)
like "admin: A is asked then" "$event" '*reason=admin *'
again
taken "admin, asked" 0

# What makes no sense is refused, and nothing of it is set
before=$(revokectl -j policy show)
refused "two of them" 'one of uid, cgroup and comm' set_ $SYNC uid 0 comm x grace 1
refused "offline: ask" 'wait or force' set_ reason offline grace 7 action ask
refused "drain: report" 'wait or force' set_ reason drain action report
refused "unbind: skip" 'wait or force' set_ reason driver-unbind action skip
refused "pressure: force" 'report or ask' set_ reason pressure action force
refused "flusher: wait" 'the flusher waits for nobody' set_ reason writeback-background action wait
refused "truncate: skip" 'only writeback-background' set_ reason truncate grace 7 action skip
refused "force and a grace" 'force asks nobody' set_ $SYNC action force grace 5
refused "wait for nothing" 'no time to answer' set_ $SYNC action wait grace 0
refused "nobody is asked" 'nobody is asked' set_ reason exit uid 5 action wait
refused "a name: softer grace" 'stricter' set_ $SYNC comm x max-extend 5 grace 1001
refused "a name: softer action" 'stricter' set_ reason pressure comm x action report
refused "a name: repeat" 'repeat-ms is for users' set_ $SYNC comm x repeat 100
refused "told all the time" 'at least 10' set_ $SYNC repeat 9
refused "nobody's uid" 'nobody has this uid' set_ $SYNC uid 4294967295 grace 1
refused "no cgroup" 'no directory of a cgroup2' set_ $SYNC cgroup /run grace 1
refused "no such pin" 'no such pin' revokectl policy show pin 4711
refused "no administrator sets" 'as root' setpriv --reuid 65534 --clear-groups revokectl policy set $SYNC uid 5 grace 1
refused "no administrator deletes" 'as root' setpriv --reuid 65534 --clear-groups revokectl policy del $SYNC uid 0
is "nothing has changed" "$(revokectl -j policy show)" "$before"
fill() { local i; for ((i = 5000; i < 5064; i++)); do set_ $SYNC uid $i grace 1 || return; done; }
refused "so many and no more" 'too many policies' fill
ok "one less" revokectl policy del $SYNC uid 5000
ok "makes room for one" set_ $SYNC uid 6000 grace 1

is "A lets go" "$(h A unpin 0)" ok
stop A B U
umount $CG
nothing_left
done_testing
