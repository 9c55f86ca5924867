#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Every answer a holder can give, too late, twice and for somebody else; two
# contexts; a holder that is stopped, killed, or waits for itself.
#
# Must never have a deadline pass where the test wants an answer: the grace is
# long there, and short where nobody answers.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

LONG=15000	# of a grace, ms
SOON=10000	# for an event to arrive, ms

# asked - B fsyncs until somebody answers; sets request
asked() {
	tell B fsync 0
	request=$(value request "$(h A wait 0 release-soon $SOON)")
}

# back - until the pin is; "A was told, forced or not"
back() {
	local told
	told=$(h A wait 0 revoked $SOON)
	like "$1: A is told" "$told" "ok revoked *reason=writeback-sync forced=$2 *"
	like "$1: and the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
}

is_active() { [[ $(revokectl -j pin show) == *'"state":"active"'* ]]; }
stopped() { grep -q '^State:.T' "/proc/${holder_pid[A]}/status"; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'

# What has no meaning, whoever says it
answer() { core-nl ack "$@"; }
PATH=$PATH:/pr/tests
like "ack: not a context" "$(answer ctx-fd=0 request=1 kind=1)" 'error EBADF not a context'
like "ack: not a file" "$(answer ctx-fd=77 request=1 kind=1)" 'error EBADF not a context'
like "ack: no context" "$(answer request=1 kind=1)" 'error EINVAL ?*'
like "ack: no request" "$(answer ctx-fd=0 kind=1)" 'error EINVAL ?*'
like "ack: no kind" "$(answer ctx-fd=0 request=1)" 'error EINVAL ?*'
like "ack: extend without a time" "$(answer ctx-fd=0 request=1 kind=2)" 'error EINVAL ?*'
like "ack: a time without extend" "$(answer ctx-fd=0 request=1 kind=1 extend-ms=5)" 'error EINVAL ?*'
like "ack: request 0" "$(answer ctx-fd=0 request=0 kind=1)" 'error ERANGE ?*'
like "ack: pin 0" "$(answer ctx-fd=0 request=1 pin=0 kind=1)" 'error ERANGE ?*'
like "ack: an unknown kind" "$(answer ctx-fd=0 request=1 kind=4)" 'error ERANGE ?*'
like "ack: extend by nothing" "$(answer ctx-fd=0 request=1 kind=2 extend-ms=0)" 'error ERANGE ?*'
like "ack: extend by too much" "$(answer ctx-fd=0 request=1 kind=2 extend-ms=15001)" 'error ERANGE ?*'
like "ack: half a number" "$(answer ctx-fd=0 short-request=1 kind=1)" 'error EINVAL ?*'
like "no such request" "$(h A ack 0 4711 0 quiesced)" 'error ENOENT no such request*'

# Quiesced
grace $LONG
is "the device writes" "$(h A dma 0 0 65536 17)" ok
asked
like "quiesced: the request is A's to see" "$(h A requests 0)" "ok $request:writeback-sync:1:* nr=1"
is "quiesced: accepted" "$(h A ack 0 "$request" 0 quiesced)" ok
like "quiesced: the device has stopped" "$(h A state 0)" '* quiesces=1 *'
between "quiesced: fsync does not wait longer" "$(value ms "$(hear B)")" 1 5000
is "quiesced: the disk has the data" "$(raw 0 16)" 17
back quiesced 0
like "quiesced: late" "$(h A ack 0 "$request" 0 quiesced)" 'error ESTALE the request is over'
is "quiesced: late, but released is true of what is over" "$(h A ack 0 "$request" 0 released)" ok

# Two contexts
is "two contexts: A opens another" "$(h A listen 1)" ok
asked
like "two contexts: the other is told the same" "$(h A wait 1 release-soon $SOON)" "ok release-soon request=$request *"
is "two contexts: one answers" "$(h A ack 0 "$request" 0 quiesced)" ok
like "two contexts: it has answered already" "$(h A ack 0 "$request" 0 declined)" 'error EALREADY ?*'
like "two contexts: it is not decided" "$(h A requests 0)" '* nr=1'
like "two contexts: not the other's pin 4711" "$(h A ack 1 "$request" 4711 quiesced)" 'error ENOENT ?*'
is "two contexts: the other answers" "$(h A ack 1 "$request" 0 quiesced)" ok
between "two contexts: fsync goes on" "$(value ms "$(hear B)")" 1 5000
back "two contexts" 0
asked
is "two contexts: one answers again" "$(h A ack 0 "$request" 0 quiesced)" ok
is "two contexts: the other is closed" "$(h A close 1)" ok
between "two contexts: that decides" "$(value ms "$(hear B)")" 1 5000
back "two contexts, one closed" 0

is "two contexts: A opens another again" "$(h A listen 1)" ok
grace 2000
asked
is "two contexts: one says no" "$(h A ack 0 "$request" 0 declined)" ok
is "two contexts: the other says yes" "$(h A ack 1 "$request" 0 quiesced)" ok
between "two contexts: no is no until the deadline" "$(value ms "$(hear B)")" 1900 2500
back "two contexts, one declined" 1
is "two contexts: one is enough" "$(h A close 1)" ok
grace $LONG

# One pin of two
like "two pins: A pins more" "$(h A pin 1 0+0 4096 w)" 'ok fd=*'
tell B fsync 0
first=$(h A wait 0 release-soon $SOON)
second=$(h A wait 0 release-soon $SOON)
request=$(value request "$first")
is "two pins: in one request" "$(value request "$second")" "$request"
is "two pins: an answer for the first" "$(h A ack 0 "$request" "$(value pin "$first")" quiesced)" ok
like "two pins: it is given" "$(h A wait 0 revoked $SOON)" "*forced=0 *pin=$(value pin "$first") *"
like "two pins: the other is still asked for" "$(h A requests 0)" "ok $request:writeback-sync:1:* nr=1"
is "two pins: an answer for the second" "$(h A ack 0 "$request" "$(value pin "$second")" quiesced)" ok
between "two pins: fsync goes on" "$(value ms "$(hear B)")" 1 5000
like "two pins: the second is given" "$(h A wait 0 revoked $SOON)" "*forced=0 *pin=$(value pin "$second") *"
# The first may be back before the second is told of: look, do not listen.
ok "two pins: one comes back" wait_for 20 state_like A 0 'ok live=1 *'
ok "two pins: and the other" wait_for 20 state_like A 1 'ok live=1 *'
is "two pins: one is enough" "$(h A unpin 1)" ok

# Others who wait for the disk
dd if=/dev/zero of="$SCRATCH/file" bs=4096 count=1 oflag=sync conv=notrunc status=none &
request=$(value request "$(h A wait 0 release-soon $SOON)")
is "an O_SYNC write is waited for" "$(h A ack 0 "$request" 0 quiesced)" ok
wait $!
back "an O_SYNC write" 0

tell B msync 0 65536
request=$(value request "$(h A wait 0 release-soon $SOON)")
is "msync is waited for" "$(h A ack 0 "$request" 0 quiesced)" ok
between "msync goes on" "$(value ms "$(hear B)")" 1 5000
back "msync" 0

# Somebody else's pin
start C
is "C listens" "$(h C listen 0)" ok
is "somebody else's pin: C maps the file" "$(h C map 0 "$SCRATCH/file" 65536 shared)" ok
like "somebody else's pin: C pins it" "$(h C pin 0 0+0 65536 w)" 'ok fd=*'
tell B fsync 0
told=$(h A wait 0 release-soon $SOON)
request=$(value request "$told")
like "somebody else's pin: C is asked in the same request" "$(h C wait 0 release-soon $SOON)" "ok release-soon request=$request *"
like "somebody else's pin: C has no say" "$(h C ack 0 "$request" "$(value pin "$told")" quiesced)" 'error ENOENT ?*'
is "somebody else's pin: C answers for its own" "$(h C ack 0 "$request" 0 quiesced)" ok
like "somebody else's pin: A's is where it was" "$(h A state 0)" 'ok live=1 *'
like "somebody else's pin: A is still asked" "$(h A requests 0)" "ok $request:writeback-sync:1:* nr=1"
is "somebody else's pin: A answers" "$(h A ack 0 "$request" 0 quiesced)" ok
between "somebody else's pin: fsync goes on" "$(value ms "$(hear B)")" 1 5000
back "somebody else's pin" 0
is "somebody else's pin: C lets go" "$(h C unpin 0)" ok

# Somebody else's request
asked
like "somebody else's request: C has no say" "$(h C ack 0 "$request" 0 quiesced)" 'error ENOENT ?*'
like "somebody else's request: root's C sees it, and who" "$(h C requests 0)" "*$request:writeback-sync:1:core-holder*"

# Released
like "released: not while it is held" "$(h A ack 0 "$request" 0 released)" 'error EBUSY the pin is still held*'
is "released: A drops it" "$(h A unpin 0)" ok
between "released: fsync goes on" "$(value ms "$(hear B)")" 1 5000
is "released: now it is true" "$(h A ack 0 "$request" 0 released)" ok
like "A pins again" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'

# The only context closed
asked
is "no context left: A closes its own" "$(h A close 0)" ok
between "no context left: nobody to wait for" "$(value ms "$(hear B)")" 1 5000
ok "no context left: forced, and back" wait_for 20 state_like A 0 'ok live=1 quiesces=1 *'
is "A listens again" "$(h A listen 0)" ok

# Declined
grace 2000
asked
is "declined: accepted" "$(h A ack 0 "$request" 0 declined)" ok
between "declined: fsync waits for the deadline" "$(value ms "$(hear B)")" 1900 3500
back declined 1

# Extended
grace 2000 $((700 * ${VM_SLOW:-1}))
asked
is "extend: what the policy grants" "$(h A ack 0 "$request" 0 extend 15000)" "ok granted=$((700 * ${VM_SLOW:-1}))"
like "extend: once" "$(h A ack 0 "$request" 0 extend 100)" 'error EALREADY ?*'
between "extend: the deadline is later" "$(value ms "$(hear B)")" 2600 3200
back "extended, then silent" 1

# A holder that let a deadline pass is not asked until it says something
grace $LONG
between "missed: fsync does not wait" "$(value ms "$(h B fsync 0)")" 1 2000
like "missed: A was not asked" "$(h A wait 0 revoked $SOON)" '*forced=1 *skipped=0'
like "missed: the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
like "missed: too late, but it is alive" "$(h A ack 0 "$request" 0 quiesced)" 'error ESTALE ?*'
asked
is "missed: it is asked again" "$(h A ack 0 "$request" 0 quiesced)" ok
between "missed: and fsync goes on" "$(value ms "$(hear B)")" 1 5000
back "missed, then heard" 0

# Stopped
grace 1000
kill -STOP "${holder_pid[A]}"
ok "stopped: A is" wait_for 10 stopped
between "stopped: fsync waits for the grace" "$(value ms "$(h B fsync 0)")" 900 1900
ok "stopped: the pin is back all the same" wait_for 20 is_active
grace $LONG
between "stopped: no second grace" "$(value ms "$(h B fsync 0)")" 0 2000
ok "stopped: nor another" wait_for 20 is_active
kill -CONT "${holder_pid[A]}"
request=$(value request "$(h A wait 0 release-soon $SOON)")
like "stopped: A finds the question" "$(h A wait 0 repeat $SOON)" "ok repeat request=$request *"
like "stopped: it was too late" "$(h A ack 0 "$request" 0 quiesced)" 'error ESTALE ?*'
for round in asked missed; do
	like "stopped: $round, and forced" "$(h A wait 0 revoked $SOON)" '*forced=1 *skipped=0'
	like "stopped: $round, and back" "$(h A wait 0 restored $SOON)" 'ok restored *'
done

# Waiting for oneself
between "A fsyncs itself, and has no thread to answer" "$(value ms "$(h A fsync 0)")" 0 5000
like "it was not asked" "$(h A wait 0 revoked $SOON)" '*forced=1 *skipped=0'
like "and the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
start T
is "T maps the file" "$(h T map 0 "$SCRATCH/file" 65536 shared)" ok
is "A lets go" "$(h A unpin 0)" ok
like "T pins it" "$(h T pin 0 0+0 65536 w)" 'ok fd=*'
is "T has a thread to answer" "$(h T listen 0 thread)" ok
is "which does" "$(h T answer 0 quiesced)" ok
like "T fsyncs itself" "$(h T fsync 0)" 'ok ms=*'
like "it was asked and answered" "$(revokectl -j pin show)" '*"revoked":1,"forced":0*'
stop T

# The one who waits is killed: what it was doing goes on without an answer
like "A pins again" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
start K
is "K has the file" "$(h K map 0 "$SCRATCH/file" 65536 shared)" ok
tell K fsync 0
request=$(value request "$(h A wait 0 release-soon $SOON)")
killed K
like "K is killed: A need not answer" "$(h A wait 0 cancelled $SOON)" "ok cancelled request=$request *"
like "K is killed: nor can it" "$(h A ack 0 "$request" 0 quiesced)" 'error ESTALE ?*'
ok "K is killed: the pin is there, again or still" wait_for 20 state_like A 0 'ok live=1 *'
start K
is "K has the file again" "$(h K map 0 "$SCRATCH/file" 65536 shared)" ok
tell K fsync 0
request=$(value request "$(h A wait 0 release-soon $SOON)")
tell B sync
ok "two wait" wait_for 20 grep -qs pinr_ "/proc/${holder_pid[B]}/stack"
killed K
between "one is killed: the other goes on" "$(value ms "$(hear B)")" 1 8000
ok "one is killed: the pin comes back" wait_for 20 state_like A 0 'ok live=1 *'
is "A lets go" "$(h A unpin 0)" ok

# Killed
like "A pins again" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
asked
killed A
between "killed: nobody to wait for" "$(value ms "$(hear B)")" 1 5000

stop B C
nothing_left
done_testing
