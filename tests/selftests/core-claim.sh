#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Pins that a context claims: who hears of them and who is waited for, validity,
# what is refused; asking for a restore, for the policy; the library's own thread.
#
# Must never let the context that has no claim answer: it would be seen too late.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000	# for an event to arrive, ms

# asked CTX - B fsyncs until that context answers
asked() {
	tell B fsync 0
	request=$(value request "$(h A wait "$1" release-soon $SOON)")
	is "$what: context $1 answers" "$(h A ack "$1" "$request" 0 quiesced)" ok
	between "$what: that is enough" "$(value ms "$(hear B)")" 0 5000
	like "$what: it is told" "$(h A wait "$1" revoked $SOON)" "ok revoked *pin=$id *"
}

# back CTX
back() { like "$what: the pin is back" "$(h A wait "$1" restored $SOON)" "ok restored *pin=$id *"; }
# deaf CTX
deaf() { like "$what: context $1 heard nothing" "$(h A wait "$1" none 0)" 'ok nothing skipped=0'; }
dispatched() { [[ $(h A dispatched) == "ok asked=$1 revoked=$1 restored=$1" ]]; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
chmod 755 "$SCRATCH"
start A
start B
start N setpriv --reuid 65534 --regid 65534 --clear-groups
is "B has the file" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0)" ok
is "and listens once more" "$(h A listen 1)" ok
is "N listens" "$(h N listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
id=$(last_pin)
grace 15000

what=claimed
is "claimed: by context 0" "$(h A claim 0 "$id")" "ok pin=$id"
is "claimed: it is valid" "$(h A valid 0)" 'ok 1'
asked 0
is "claimed: it is not valid any more" "$(h A valid 0)" 'ok 0'
back 0
is "claimed: it is not what it was" "$(h A valid 0)" 'ok 0'
is "claimed: once more" "$(h A claim 0 "$id")" "ok pin=$id"
is "claimed: valid in another generation" "$(h A valid 0)" 'ok 1'
deaf 1
like "claimed: not by context 1" "$(h A claim 1 "$id")" 'error EBUSY another context*'
like "claimed: not by somebody else" "$(h N claim 0 "$id")" 'error EPERM the pin belongs*'
like "claimed: a pin that is none" "$(h A claim 0 4711)" 'error ENOENT no such pin'
like "claimed: no such range" "$(h A claim 0 0 0+4096 4096)" 'error ENOENT*'
line=$(h A declare 0 0+0 4096 w)
like "claimed: there is a declared range" "$line" 'ok first=*'
like "claimed: not by context 1 either" "$(h A claim 1 "$(value first "$line")")" 'error EBUSY ?*'
is "claimed: undeclared" "$(h A undeclare 0 "$(value first "$line")")" ok
is "claimed: context 0 is closed" "$(h A close 0)" ok

what=unclaimed
is "unclaimed: context 0 again" "$(h A listen 0)" ok
tell B fsync 0
request=$(value request "$(h A wait 1 release-soon $SOON)")
like "unclaimed: both are told" "$(h A wait 0 release-soon $SOON)" "ok release-soon request=$request *"
is "unclaimed: one answers" "$(h A ack 1 "$request" 0 quiesced)" ok
like "unclaimed: that is not enough" "$(h A requests 0)" '* nr=1'
is "unclaimed: the other answers" "$(h A ack 0 "$request" 0 quiesced)" ok
between "unclaimed: that is" "$(value ms "$(hear B)")" 0 5000
back 0
back 1

what=range
is "range: by address and length" "$(h A claim 1 0 0+0 65536)" "ok pin=$id"
asked 1
back 1
deaf 0
is "range: its driver drops it" "$(h A unpin 0)" ok
is "range: not valid" "$(h A valid 0)" 'ok 0'
like "range: nothing to claim" "$(h A claim 1 0 0+0 65536)" 'error ENOENT*'

# A pin that comes back when it is wanted
what=wanted
like "wanted: A pins lazily" "$(h A pin 1 0+0 65536 wl)" 'ok fd=*'
id=$(last_pin)
is "wanted: context 0 claims it" "$(h A claim 0 "$id")" "ok pin=$id"
tell B fsync 0
request=$(value request "$(h A wait 0 release-soon $SOON)")
is "wanted: A declines" "$(grace 100; h A ack 0 "$request" 0 released)" 'error EBUSY the pin is still held: deregister it first, or answer quiesced'
revokectl pin revoke "$id" grace 0 > /dev/null
like "wanted: it is taken" "$(hear B)" 'ok ms=*'
like "wanted: A is told" "$(h A wait 0 revoked $SOON)" "ok revoked *pin=$id *"
like "wanted: not by N" "$(h N restore 0 "$id")" 'error EPERM ?*'
is "wanted: by A" "$(h A restore 0 "$id")" ok
back 0
like "wanted: a pin that is none" "$(h A restore 0 4711)" 'error ENOENT no such pin'
line=$(h A declare 0 0+0 4096 w)
like "wanted: nobody restores what is declared" "$(h A restore 0 "$(value first "$line")")" 'error EOPNOTSUPP ?*'
is "wanted: undeclared" "$(h A undeclare 0 "$(value first "$line")")" ok

what=policy
ok "policy: is set" revokectl policy set reason writeback-sync grace 1234
like "policy: of all" "$(h N policy 0 0)" 'ok action=* grace=1234 *'
like "policy: of A's pin" "$(h A policy 0 "$id")" 'ok action=* grace=1234 *'
like "policy: not for N" "$(h N policy 0 "$id")" 'error EPERM ?*'
is "policy: unpinned" "$(h A unpin 1)" ok

# The library's thread answers, also for what the process itself does
what=thread
is "thread: a context that answers" "$(h A listen 2 thread)" ok
like "thread: A pins" "$(h A pin 2 0+0 65536 w)" 'ok fd=*'
is "thread: it is claimed" "$(h A claim 2 0 0+0 65536)" "ok pin=$(last_pin)"
is "thread: starts" "$(h A dispatch 2)" ok
like "thread: not twice" "$(h A dispatch 2)" 'error EALREADY*'
like "thread: B fsyncs" "$(h B fsync 0)" 'ok ms=*'
ok "thread: it has answered" wait_for 10 dispatched 1
like "thread: A fsyncs" "$(h A fsync 0)" 'ok ms=*'
ok "thread: it has answered again" wait_for 10 dispatched 2
is "thread: is stopped" "$(h A undispatch 2)" ok
is "thread: and once more" "$(h A undispatch 2)" ok
is "thread: starts again" "$(h A dispatch 2)" ok
is "thread: ends with its context" "$(h A close 2)" ok

# While a device of A's takes its time to stop, the pin is nobody's to give back; others'
# contexts have nothing to do with that.
what=apart
is "apart: a context" "$(h A listen 0)" ok
like "apart: A pins" "$(h A pin 0 0+0 65536 wk)" 'ok fd=*'
is "apart: it is claimed" "$(h A claim 0 "$(last_pin)")" "ok pin=$(last_pin)"
grace 0
hold quiesce
tell B fsync 0
ok "apart: its device does not stop" wait_for 20 held 1
tell A close 0
ok "apart: its context is not closed yet" wait_for 20 waits_at A pinr_ctx_leave
tell N close 0
is "apart: N's is" "$(hear N 5)" ok
hold nowhere
is "apart: now it is" "$(hear A)" ok
like "apart: fsync" "$(hear B)" 'ok ms=*'

stop A B N
nothing_left
done_testing
