#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# The sysctls vm.pin_revoke_*: what they are about, that a policy counts more and
# vm.pin_revoke_enable=0 most, and what is refused.
#
# Must never believe a value because it can be read: each is seen to work.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000	# for an event to arrive, ms
LEN=65536
SYNC='reason writeback-sync'
VM=/proc/sys/vm

set_() { sysctl -q "vm.pin_revoke_$1=$2"; }
get() { cat "$VM/pin_revoke_$1"; }
all() { echo "$(get enable) $(get grace_ms) $(get skip_ms)"; }
# of REASON - what holds for A's pin, and where that comes from
of() { revokectl policy show pin "$pin" | sed -n "s/^$1  *//p"; }
user() { setpriv --reuid 65534 --clear-groups "$@"; }
# shellcheck disable=SC2016 # the inner shell's
write='echo "$2" > "/proc/sys/vm/pin_revoke_$1"'

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
start A
start B
for name in A B; do
	is "$name maps the file" "$(h $name map 0 "$SCRATCH/file" $LEN shared)" ok
done
is "A listens" "$(h A listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
pin=$(last_pin)

is "what is built in" "$(all)" "1 1000 30000"
is "which a policy does not mention" "$(of writeback-sync)" "grace 1000 ms max-extend 1000 ms action wait"

# The grace: of system calls on files, and of nothing else
ok "a longer grace" set_ grace_ms 15000
for reason in writeback-sync truncate fallocate remap; do
	is "$reason has it" "$(of $reason)" "grace 15000 ms (sysctl) max-extend 1000 ms action wait"
done
is "offline does not" "$(of offline)" "grace 5000 ms max-extend 5000 ms action wait"
like "in JSON, too" "$(revokectl -j policy show pin "$pin")" \
	'*"reason":"writeback-sync","grace_ms":15000,*"grace_from":"sysctl","max_extend_from":"default",*'
is "the device writes" "$(h A dma 0 0 $LEN 61)" ok
tell B fsync 0
event=$(h A wait 0 release-soon $SOON)
like "A is asked" "$event" 'ok release-soon *reason=writeback-sync *'
ok "and has so long" test "$(value left "$event")" -gt 5000
is "A answers" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "fsync is through" "$(hear B)" 'ok ms=*'
like "it comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "the data is on the disk" raw_is 0 16 61

# A policy counts more
ok "a policy" revokectl policy set $SYNC grace 700
is "is what holds" "$(of writeback-sync)" "grace 700 ms (set) max-extend 1000 ms action wait"
is "for its reason" "$(of truncate)" "grace 15000 ms (sysctl) max-extend 1000 ms action wait"
is "and changes no sysctl" "$(all)" "1 15000 30000"
ok "it is gone" revokectl policy del $SYNC
is "the sysctl is what holds" "$(of writeback-sync)" "grace 15000 ms (sysctl) max-extend 1000 ms action wait"
ok "a shorter one" set_ grace_ms 2000
refused "a name is not softer than that" 'stricter' revokectl policy set $SYNC comm x grace 2001

# 0 is no grace at all
ok "no grace" set_ grace_ms 0
is "no grace: the device writes" "$(h A dma 0 0 $LEN 60)" ok
is "no grace: fsync" "$(h B fsync 0 | cut -d= -f1)" "ok ms"
event=$(h A wait 0 revoked $SOON)
like "no grace: A's pin was forced" "$event" 'ok revoked *forced=1 *'
is "no grace: and A not asked" "$(value skipped "$event")" 0
like "no grace: it comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "the grace that was" set_ grace_ms 1000
is "is the default again" "$(of writeback-sync)" "grace 1000 ms max-extend 1000 ms action wait"

# The flusher's time
ok "a shorter skip" set_ skip_ms 4000
is "the flusher has it" "$(of writeback-background)" "max-extend 0 ms skip 4000 ms (sysctl) action skip"
is "the device writes for the flusher" "$(h A dma 0 0 $LEN 62)" ok
echo 50 > $VM/dirty_expire_centisecs
echo 50 > $VM/dirty_writeback_centisecs
event=$(h A wait 0 release-soon $SOON)
echo 0 > $VM/dirty_writeback_centisecs
like "A is asked for it" "$event" 'ok release-soon *reason=writeback-background *'
ok "and has no longer" test "$(value left "$event")" -le 4000
is "A answers for it" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "the core writes, and it comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "the flusher's data is on the disk" raw_is 0 16 62
ok "the time that was" set_ skip_ms 30000

# Off: nobody is asked, whatever policies say, and no data is lost
ok "a policy that waits" revokectl policy set $SYNC uid 0 action wait grace 15000
ok "off" set_ enable 0
is "off: what holds" "$(of writeback-sync)" \
	"grace 15000 ms (uid) max-extend 1000 ms action force (sysctl)"
like "off: the flusher" "$(of writeback-background)" '* action force (sysctl)'
is "off: not for an administrator" "$(of admin)" "grace 1000 ms max-extend 5000 ms action wait"
like "off: revokectl check says so" "$(revokectl check "$SCRATCH/file")" \
	'*ask points: no: vm.pin_revoke_enable is 0: nobody is asked, pins are forced*'
is "off: the device writes" "$(h A dma 0 0 $LEN 63)" ok
line=$(h B fsync 0)
ok "off: fsync waits for nobody" test "$(value ms "$line")" -lt 5000
event=$(h A wait 0 revoked $SOON)
like "off: A's pin was forced" "$event" 'ok revoked *forced=1 *'
is "off: and A not asked" "$(value skipped "$event")" 0
ok "off: the data is on the disk" raw_is 0 16 63
like "off: it comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "off: an administrator asks" revokectl pin revoke "$pin" grace 15000
event=$(h A wait 0 release-soon $SOON)
like "off: A is told" "$event" '*reason=admin *'
is "off: A answers" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "off: it comes back once more" "$(h A wait 0 restored $SOON)" 'ok restored *'
ok "off: policies are set as ever" revokectl policy set $SYNC comm x action ask
ok "on" set_ enable 1
is "on: what holds" "$(of writeback-sync)" "grace 15000 ms (uid) max-extend 1000 ms action wait (uid)"
tell B fsync 0
event=$(h A wait 0 release-soon $SOON)
like "on: A is asked" "$event" 'ok release-soon *reason=writeback-sync *'
is "on: A answers" "$(h A ack 0 "$(value request "$event")" 0 quiesced)" ok
like "on: fsync is through" "$(hear B)" 'ok ms=*'

# What is refused
before=$(all)
for bad in 'enable 2' 'enable -1' 'grace_ms 15001' 'grace_ms -1' 'grace_ms soon' \
	'grace_ms 4294968296' 'skip_ms 300001' 'skip_ms 99999999999'; do
	# shellcheck disable=SC2086 # two words
	refused "refused: $bad" 'Invalid argument' bash -c "$write" bash $bad
done
is "the most of each" "$(set_ grace_ms 15000; set_ skip_ms 300000; all)" "1 15000 300000"
is "and what was" "$(set_ grace_ms 1000; set_ skip_ms 30000; all)" "$before"
for name in enable grace_ms skip_ms; do
	refused "nobody else writes $name" 'Permission denied' user bash -c "$write" bash $name 1
	refused "nor as root of a user namespace: $name" 'Permission denied' \
		user unshare --user --map-root-user bash -c "$write" bash $name 1
done
is "anybody may read" "$(user cat $VM/pin_revoke_{enable,grace_ms,skip_ms} | paste -sd ' ')" "$before"
is "nothing has changed" "$(all)" "$before"

ok "a value for the next" set_ grace_ms 4321
is "A lets go" "$(h A unpin 0)" ok
stop A B
nothing_left
is "they are gone with the core" "$(echo $VM/pin_revoke_*)" "$VM/pin_revoke_*"
ok "the core once more" load pin_revoke
is "it begins anew" "$(all)" "1 1000 30000"
ok "it unloads" unload pin_revoke
done_testing
