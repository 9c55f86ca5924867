#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Ranges that a process declares itself: it is asked, waited for and told as for
# a pin; every way in which a range ends; what is refused, and the limit.
#
# Must never have a driver in it: that is what these ranges do without.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

LONG=15000	# of a grace, ms
SOON=10000	# for an event to arrive, ms
PATH=$PATH:/pr/tests

# declared CTX ARG... - by A; sets id
declared() {
	local line
	line=$(h A declare "$@")
	id=$(value first "$line")
	like "$what: declared" "$line" 'ok first=*'
}

# dirty - so that there is something to write
dirty() { h A touch 0+0 65536 "$1" > /dev/null; }

# asked - B fsyncs until somebody answers; sets request
asked() {
	dirty 17
	tell B fsync 0
	request=$(value request "$(h A wait 0 release-soon $SOON)")
}

# state - of the youngest pin, for root
state() { revokectl -j pin show | grep -o '"state":"[a-z]*"' | tail -n 1; }
none() { [ "$(revokectl -j pin show)" = '[]' ]; }
stopped() { grep -q '^State:.T' "/proc/${holder_pid[A]}/status"; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A maps other memory" "$(h A map 1 anon 65536 private)" ok
is "A listens" "$(h A listen 0)" ok
is "and listens once more" "$(h A listen 1)" ok
grace $LONG

what=undeclare
declared 0 0+0 65536 w 1 cache
like "undeclare: A sees it" "$(h A pins 0)" "ok $id:active nr=1"
like "undeclare: what root sees" "$(revokectl -j pin show)" '*"flags":\["write","file","declared"\]*'
is "undeclare: it is valid" "$(h A valid 0)" 'ok 1'
like "undeclare: under its name" "$(revokectl -j pin show)" '*"name":"cache"*'
asked
like "undeclare: A is asked" "$(h A requests 0)" "ok $request:writeback-sync:1:* nr=1"
like "undeclare: it is not released yet" "$(h A ack 0 "$request" 0 released)" 'error EBUSY ?*'
is "undeclare: it is still valid" "$(h A valid 0)" 'ok 1'
is "undeclare: that is the answer" "$(h A undeclare 0 "$id")" ok
is "undeclare: that makes it invalid" "$(h A valid 0)" 'ok 0'
between "undeclare: fsync does not wait longer" "$(value ms "$(hear B)")" 0 5000
is "undeclare: the disk has the data" "$(raw 0 16)" 17
is "undeclare: released is true now" "$(h A ack 0 "$request" 0 released)" ok
like "undeclare: the other context heard nothing" "$(h A wait 1 none 0)" 'ok nothing skipped=0'
like "undeclare: once" "$(h A undeclare 0 "$id")" 'error ENOENT ?*'
dirty 18
like "undeclare: nobody is asked" "$(h B fsync 0)" 'ok ms=*'
like "undeclare: A was not" "$(h A wait 0 none 0)" 'ok nothing skipped=0'

what=quiesced
declared 0 0+0 65536 w
asked
is "quiesced: accepted" "$(h A ack 0 "$request" 0 quiesced)" ok
between "quiesced: fsync does not wait longer" "$(value ms "$(hear B)")" 0 5000
like "quiesced: A is told" "$(h A wait 0 revoked $SOON)" "ok revoked *reason=writeback-sync forced=0 *pin=$id *"
is "quiesced: it is not valid any more" "$(h A valid 0)" 'ok 0'
is "quiesced: it stays revoked" "$(state)" '"state":"revoked"'
dirty 18
like "quiesced: nobody is asked for it" "$(h B fsync 0)" 'ok ms=*'
like "quiesced: A heard no more" "$(h A wait 0 none 0)" 'ok nothing skipped=0'
is "quiesced: undeclared" "$(h A undeclare 0 "$id")" ok

what=stopped
grace 1000 0
declared 0 0+0 65536 w
dirty 18
kill -STOP "${holder_pid[A]}"
ok "stopped: A is" wait_for 10 stopped
between "stopped: fsync waits for the grace" "$(value ms "$(h B fsync 0)")" 900 4000
kill -CONT "${holder_pid[A]}"
like "stopped: A is told" "$(h A wait 0 revoked $SOON)" "ok revoked *reason=writeback-sync forced=1 *pin=$id *"
is "stopped: it is not valid any more" "$(h A valid 0)" 'ok 0'
is "stopped: undeclared" "$(h A undeclare 0 "$id")" ok
is "stopped: the disk has the data" "$(raw 0 16)" 18
like "stopped: any answer makes it one to wait for" "$(h A ack 0 "$request" 0 quiesced)" 'error ESTALE ?*'

what=declined
declared 0 0+0 65536 w
asked
is "declined: A is asked again, and declines" "$(h A ack 0 "$request" 0 declined)" ok
between "declined: fsync waits for the grace" "$(value ms "$(hear B)")" 900 4000
like "declined: A is told" "$(h A wait 0 revoked $SOON)" "ok revoked *reason=writeback-sync forced=1 *pin=$id *"
is "declined: undeclared" "$(h A undeclare 0 "$id")" ok
grace $LONG

what=truncate
declared 0 0+32768 32768 -
tell B truncate 0 32768
request=$(value request "$(h A wait 0 release-soon $SOON)")
is "truncate: a reader is asked, too" "$(h A ack 0 "$request" 0 quiesced)" ok
like "truncate: it goes on" "$(hear B)" 'ok ms=*'
like "truncate: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=truncate forced=0 *'
is "truncate: undeclared" "$(h A undeclare 0 "$id")" ok
like "truncate: and back" "$(h B truncate 0 65536)" 'ok ms=*'

what=unmap
is "unmap: A maps it twice" "$(h A map 2 "$SCRATCH/file" 65536 shared)" ok
declared 0 2+4096 8192 w
is "unmap: A unmaps a part" "$(h A unmap 2+8192 4096)" ok
like "unmap: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=unmap forced=1 *'
like "unmap: and that it is gone" "$(h A wait 0 gone $SOON)" "ok gone *pin=$id *"
is "unmap: so it is" "$(state)" '"state":"gone"'
is "unmap: undeclared" "$(h A undeclare 0 "$id")" ok

what=anonymous
is "anonymous: there is something in it" "$(h A touch 1+0 65536 1)" ok
declared 0 1+0 65536 w
is "anonymous: dropped" "$(h A drop 1+4096 4096)" ok
like "anonymous: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=invalidate forced=1 *'
is "anonymous: undeclared" "$(h A undeclare 0 "$id")" ok

what='admin'
declared 0 1+0 65536 w
tell B sync
like "admin: no reason to ask for that" "$(hear B)" 'ok ms=*'
revokectl pin revoke "$id" > /dev/null
request=$(value request "$(h A wait 0 release-soon $SOON)")
is "admin: A answers" "$(h A ack 0 "$request" 0 quiesced)" ok
like "admin: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=admin forced=0 *'
is "admin: undeclared" "$(h A undeclare 0 "$id")" ok

# Many at a time
is "many: more memory" "$(h A map 3 anon 819200 private)" ok
what=many
declared 0 3+0 4096 w 200
is "many: the first is valid" "$(h A valid 0)" 'ok 1'
is "many: A drops the last" "$(h A drop 3+815104 4096)" ok
is "many: the first is still valid" "$(h A valid 0)" 'ok 1'
is "many: the last is not" "$(h A valid 199)" 'ok 0'
like "many: they are all there" "$(h A pins 0)" '* nr=200'
is "many: undeclared" "$(h A undeclare 0 "$id" 200)" ok
ok "many: none is left" none
is "many: a hole near the end" "$(h A unmap 3+770048 4096)" ok
like "many: all or none" "$(h A declare 0 3+0 4096 w 200)" 'error EFAULT a part of it is not mapped*'
ok "many: none it is" none

# What cannot be
like "bad: nothing" "$(h A declare 0 1+0 0 w)" 'error ERANGE ?*'
like "bad: not mapped" "$(h A declare 0 4096 4096 w)" 'error EFAULT a part of it is not mapped*'
like "bad: an end that is not mapped" "$(h A declare 0 3+765952 8192 w)" 'error EFAULT ?*'
like "bad: the kernel's" "$(h A declare 0 0xffff888000000000 4096 w)" 'error EINVAL no range of user memory'
like "bad: into the kernel" "$(h A declare 0 0x7ffffffff000 0x10000 w)" 'error EINVAL no range*'
like "bad: around the end" "$(h A declare 0 0xfffffffffffff000 8192 w)" 'error EINVAL no range*'
like "bad: all there is" "$(h A declare 0 0 0xffffffffffffffff w)" 'error EINVAL no range*'
is "bad: A may only read" "$(h A map 4 "$SCRATCH/file" 65536 ro)" ok
like "bad: no write there" "$(h A declare 0 4+0 4096 w)" 'error EFAULT ?*'
what="read only"
declared 0 4+0 4096 -
like "bad: the other context's" "$(h A undeclare 1 "$id")" 'error ENOENT this context has*'
like "bad: a child's word" "$(h A child-undeclares "$id")" 'error EPERM the context belongs to another*'
is "read only: undeclared" "$(h A undeclare 0 "$id")" ok
like "bad: a pin that is none" "$(h A undeclare 0 4711)" 'error ENOENT ?*'
like "bad: no range" "$(core-nl declare ctx-fd=0)" 'error EINVAL from 1 to 64 ranges*'
like "bad: no context" "$(core-nl declare empty-range)" 'error EINVAL ctx-fd is needed'
like "bad: not a context" "$(core-nl declare ctx-fd=0 empty-range)" 'error EBADF not a context'
like "bad: undeclare nothing" "$(core-nl undeclare ctx-fd=0)" 'error EINVAL from 1 to 64 ranges*'
# shellcheck disable=SC2046 # words
like "bad: undeclare too much" "$(core-nl undeclare ctx-fd=0 $(printf 'id=%s ' {1..65}))" 'error EINVAL from 1 to 64 ranges*'
# By the family's messages: one process has its context as descriptor 4.
what=netlink
declared 0 1+0 4096 -
is "netlink: the same by messages" \
	"$(core-nl open -- declare ctx-fd=4 own-range own-range -- undeclare ctx-fd=4 id=$((id + 1)) \
		-- undeclare ctx-fd=4 id=$((id + 1)) -- undeclare ctx-fd=4 id=$((id + 2)) | tr '\n' ' ')" \
	"ok ok ok error ENOENT this context has declared no such range ok "
is "netlink: undeclared" "$(h A undeclare 0 "$id")" ok
like "ioctl: too small" "$(h A ioctl small)" 'error EINVAL ?*'
like "ioctl: more than is known" "$(h A ioctl unknown)" 'error E2BIG ?*'
like "ioctl: no range" "$(h A ioctl none)" 'error EINVAL from 1 to 64 ranges*'
like "ioctl: too many" "$(h A ioctl many)" 'error EINVAL from 1 to 64 ranges*'
like "ioctl: unknown flags" "$(h A ioctl flags)" 'error EINVAL flags*'
like "ioctl: a name too long" "$(h A ioctl name)" 'error ERANGE the name*'
like "ioctl: ranges nowhere" "$(h A ioctl nowhere)" 'error EFAULT ?*'
like "ioctl: a range nowhere" "$(h A ioctl half)" 'error EFAULT ?*'
like "ioctl: another command" "$(h A ioctl command)" 'error ENOTTY ?*'
like "ioctl: undeclare nothing" "$(h A ioctl undeclare)" 'error ENOENT this context has*'
like "ioctl: undeclare by name" "$(h A ioctl undeclare-name)" 'error EINVAL no name*'
like "ioctl: in a child" "$(h A child-ioctl)" 'error EPERM the context belongs to another*'
ok "bad: nothing of it is there" none

# Validity: the words can be read only, and are never late
is "words: not to be written" "$(h A words write)" 'error EACCES'
like "words: not to be run" "$(h A words exec)" 'error E[AP]*'
is "words: not private" "$(h A words private)" 'error EINVAL'
is "words: nor made writable" "$(h A words protect)" 'error EACCES'
is "words: to be read" "$(h A words read)" ok
dd if=/dev/zero of="$SCRATCH/race" bs=4096 count=1 status=none
is "race: A maps a file" "$(h A map 5 "$SCRATCH/race" 4096 shared)" ok
is "race: and more memory" "$(h A map 6 anon 4096 private)" ok
for how in "drop 6" "unmap 6" "fsync 5" "truncate 5"; do
	line=$(tell A race 0 "${how#* }+0" "${how% *}" 400 && hear A 60)
	diag "$line"
	like "race: ${how% *} is never too late" "$line" 'ok wrong=0 *'
	ok "race: ${how% *} came in time" [ "$(value changed "$line")" -gt 100 ]
	ok "race: ${how% *} did not always come" [ "$(value valid "$line")" -gt 20 ]
done

# The limit is a user's
limit=/sys/module/pin_revoke/parameters/max_declared
chmod 755 "$SCRATCH"
start N setpriv --reuid 65534 --regid 65534 --clear-groups
is "limit: nobody listens" "$(h N listen 0)" ok
is "limit: and has memory" "$(h N map 0 anon 65536 private)" ok
before=$(cat $limit)
echo 3 > $limit
like "limit: four are too many" "$(h A declare 0 1+0 4096 w 4)" 'error EDQUOT the user has too many ranges*'
what=limit
declared 0 1+0 4096 w 3
like "limit: one more is" "$(h A declare 1 1+0 4096 w)" 'error EDQUOT ?*'
like "limit: not for nobody" "$(h N declare 0 0+0 4096 w 3)" 'ok first=*'
is "limit: undeclared" "$(h A undeclare 0 "$id" 3)" ok
like "limit: and another time" "$(h A declare 0 1+0 4096 w 3)" 'ok first=*'
is "limit: the context is closed" "$(h A close 0)" ok
is "limit: and another is open" "$(h A listen 0)" ok
like "limit: that gave them back" "$(h A declare 0 1+0 4096 w 3)" 'ok first=*'
stop N
echo "$before" > $limit
is "limit: closed" "$(h A close 0)" ok
ok "limit: none is left" wait_for 10 none

# Whoever waits goes on when the context or its process ends
is "A listens again" "$(h A listen 0)" ok
what=close
declared 0 0+0 65536 w
asked
is "close: A closes it" "$(h A close 0)" ok
between "close: fsync goes on" "$(value ms "$(hear B)")" 0 5000
ok "close: none is left" wait_for 10 none
is "close: A listens again" "$(h A listen 0)" ok
what=killed
declared 0 0+0 65536 w
child=$(value pid "$(h A fork)")
asked
killed A
between "killed: fsync goes on" "$(value ms "$(hear B)")" 0 5000
ok "killed: none is left, though a child has the context" wait_for 10 none
ok "killed: the child has" kill -KILL "$child"

stop B
nothing_left
done_testing
