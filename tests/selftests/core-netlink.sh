#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Who may see and do what, and that every refusal has a text: nobody, somebody
# with CAP_NET_ADMIN, root of another user namespace.
#
# Must never take a missing right for granted because of a bad attribute: each
# refused message is one that root sends with success, or nearly.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
PATH=$PATH:/pr/tests
ids=(--reuid 65534 --regid 65534 --clear-groups)
nobody() { setpriv "${ids[@]}" "$@"; }
netadmin() { setpriv "${ids[@]}" --inh-caps +net_admin --ambient-caps +net_admin "$@"; }
nsroot() { unshare -Ur "$@"; }
netnsroot() { unshare -Urn "$@"; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
chmod 666 /dev/pin_dummy "$SCRATCH/file"
chmod 755 "$SCRATCH"
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
id=$(last_pin)
start N setpriv "${ids[@]}"
is "N is nobody and listens" "$(h N listen 0)" ok

# Pins
like "A sees its pin" "$(h A pins 0)" "ok $id:active nr=1"
is "N sees none" "$(h N pins 0)" 'ok nr=0'
is "nor does nobody's revokectl" "$(nobody revokectl -j pin show 2>/dev/null)" '[]'
is "root gets the pin" "$(core-nl pin-get id="$id")" ok
like "nobody does not" "$(nobody core-nl pin-get id="$id")" 'error EPERM the pin belongs to somebody else'
like "a pin that is none" "$(core-nl pin-get id=4711)" 'error ENOENT no such pin'
like "no id" "$(core-nl pin-get)" 'error EINVAL ?*'

# Admin's commands
for who in nobody netadmin nsroot netnsroot; do
	like "$who does not revoke" "$($who core-nl revoke pin="$id")" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who does not revoke what is not there" "$($who core-nl revoke pin=4711)" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who sets no policy" "$($who core-nl policy-set reason=1 grace-ms=1)" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who does not get the pin" "$($who core-nl pin-get id="$id")" 'error EPERM the pin belongs*'
done
like "all that did nothing" "$(h A state 0)" 'ok live=1 quiesces=0 *'
refused "nobody does not monitor" 'as root' nobody revokectl monitor
refused "CAP_NET_ADMIN does not" 'as root' netadmin revokectl monitor
refused "root of a user namespace does not" 'as root' nsroot revokectl monitor

# What root can get wrong
like "revoke: no pin" "$(core-nl revoke)" 'error EINVAL ?*'
like "revoke: only a grace" "$(core-nl revoke grace-ms=1)" 'error EINVAL which pins*'
like "revoke: pin 0" "$(core-nl revoke pin=0)" 'error ERANGE ?*'
like "revoke: no such pin" "$(core-nl revoke pin=4711)" 'error ENOENT no such pin'
like "revoke: too much grace" "$(core-nl revoke pin="$id" grace-ms=15001)" 'error ERANGE ?*'
like "policy: no reason" "$(core-nl policy-set grace-ms=1)" 'error EINVAL ?*'
like "policy: nothing to set" "$(core-nl policy-set reason=1)" 'error EINVAL ?*'
like "policy: nobody is asked" "$(core-nl policy-set reason=5 grace-ms=1)" 'error EINVAL nobody is asked*'
like "policy: no such reason" "$(core-nl policy-set reason=99 grace-ms=1)" 'error ERANGE ?*'
like "policy: too much grace" "$(core-nl policy-set reason=1 grace-ms=15001)" 'error ERANGE ?*'
like "policy: skip where there is grace" "$(core-nl policy-set reason=1 skip-ms=1)" 'error EINVAL ?*'
like "policy: grace where there is skip" "$(core-nl policy-set reason=2 grace-ms=1)" 'error EINVAL ?*'
like "policy: too much skip" "$(core-nl policy-set reason=2 skip-ms=300001)" 'error ERANGE ?*'
is "policy: the most" "$(core-nl policy-set reason=2 skip-ms=300000)" ok
like "open: an unknown flag" "$(core-nl open flags=2)" 'error EINVAL ?*'
like "events are the kernel's to send" "$(core-nl release-soon)" 'error EOPNOTSUPP*'

# What no library would send: core-nl sends the bytes as they are. 06 is
# policy-set, its first attributes are reason (U32) and grace-ms (U32).
header="06 01 00 00"
reason="08 00 01 00 01 00 00 00"
grace="08 00 02 00 e8 03 00 00"
# raw_nl CLAIM "BYTE..."...
# shellcheck disable=SC2068,SC2086 # words
raw_nl() { local claim=$1; shift; set -- $@; core-nl raw "$claim" "$@"; }
is "raw: a message that is right" "$(raw_nl 0 "$header" "$reason" "$grace")" ok
like "raw: an unknown command" "$(raw_nl 0 ff 01 00 00)" 'error EOPNOTSUPP*'
like "raw: command 0" "$(raw_nl 0 00 01 00 00)" 'error EOPNOTSUPP*'
like "raw: an unknown attribute" "$(raw_nl 0 "$header" "$reason" "$grace" 08 00 63 00 01 00 00 00)" 'error EINVAL ?*'
like "raw: attribute 0" "$(raw_nl 0 "$header" "$reason" 08 00 00 00 01 00 00 00)" 'error EINVAL ?*'
like "raw: a number that says it is nested" "$(raw_nl 0 "$header" 08 00 01 80 01 00 00 00 "$grace")" 'error EINVAL ?*'
like "raw: a nest where a number belongs" "$(raw_nl 0 "$header" 0c 00 01 80 08 00 01 00 01 00 00 00 "$grace")" 'error EINVAL ?*'
like "raw: an attribute longer than the message" "$(raw_nl 0 "$header" "$reason" ff 00 02 00 e8 03 00 00)" 'error EINVAL ?*'
like "raw: an attribute shorter than its header" "$(raw_nl 0 "$header" "$reason" 02 00 02 00 e8 03 00 00)" 'error EINVAL ?*'
like "raw: an attribute without content" "$(raw_nl 0 "$header" "$reason" 04 00 02 00)" 'error EINVAL ?*'
like "raw: a number that is too long" "$(raw_nl 0 "$header" "$reason" 0c 00 02 00 e8 03 00 00 00 00 00 00)" 'error EINVAL ?*'
like "raw: an attribute twice" "$(raw_nl 0 "$header" 08 00 01 00 05 00 00 00 "$reason" "$grace")" ok
is "raw: less than it claims" "$(raw_nl 4 "$header" "$reason" "$grace")" ignored
is "raw: more than it claims" "$(raw_nl -8 "$header" "$reason" "$grace")" "$(core-nl policy-set reason=1)"
# Cut off anywhere: the 4th byte of the header is padding, 12 bytes are a whole reason.
cut_off() {
	local bytes said n
	read -ra bytes <<< "$header $reason $grace"
	for ((n = 1; n < 20; n++)); do
		said=$(raw_nl 0 "${bytes[@]:0:n}")
		[[ $said == "error EINVAL"* ]] || { echo "$n bytes: $said"; return 1; }
	done
}
ok "raw: cut off anywhere" cut_off
like "raw: all that set nothing" "$(revokectl -j policy show)" '*"reason":"writeback-sync","grace_ms":1000,*'

# Revoke
is "root revokes without a grace" "$(core-nl revoke pin="$id" grace-ms=0)" ok
like "A is told" "$(h A wait 0 revoked $SOON)" '*reason=admin forced=1 *skipped=0'
like "and the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "root revokes with one" "$(core-nl revoke pin="$id" grace-ms=15000)" ok
asked=$(h A wait 0 release-soon $SOON)
like "A is asked" "$asked" '*reason=admin *'
is "N sees no request" "$(h N requests 0)" 'ok nr=0'
is "nor does nobody's revokectl" "$(nobody revokectl -j request show 2>/dev/null)" '[]'
like "N cannot answer it" "$(h N ack 0 "$(value request "$asked")" 0 quiesced)" 'error ENOENT ?*'
is "A can" "$(h A ack 0 "$(value request "$asked")" "$id" quiesced)" ok
like "A is told that it gave it" "$(h A wait 0 revoked $SOON)" '*reason=admin forced=0 *'

# Nobody's own
is "N has the file, too" "$(h N map 0 "$SCRATCH/file" 65536 shared)" ok
is "A lets go" "$(h A unpin 0)" ok
like "N pins" "$(h N pin 0 0+0 65536 w)" 'ok fd=*'
like "N sees its own" "$(h N pins 0)" 'ok *:active nr=1'
like "root's A sees it" "$(h A pins 0)" 'ok *:active nr=1'
revokectl policy set reason writeback-sync grace 15000
tell B fsync 0
asked=$(h N wait 0 release-soon $SOON)
like "N is asked" "$asked" '*reason=writeback-sync *'
like "N sees the request, not who caused it" "$(h N requests 0)" 'ok *:writeback-sync:1:- nr=1'
like "root's A sees who" "$(h A requests 0)" 'ok *:writeback-sync:1:core-holder nr=1'
is "N answers" "$(h N ack 0 "$(value request "$asked")" 0 quiesced)" ok
like "and fsync goes on" "$(hear B)" 'ok ms=*'

# More events than the socket has room for, and then a question
start O
is "lost: O maps the file" "$(h O map 0 "$SCRATCH/file" 65536 shared)" ok
is "lost: and has little room" "$(h O listen 0 - 4096)" ok
is "lost: for 20 pins" "$(h O pin-many 20 0+0 4096 w)" ok
is "lost: N lets go" "$(h N unpin 0)" ok
revokectl policy set reason writeback-sync grace 0
like "lost: they are taken" "$(h B fsync 0)" 'ok ms=*'
all_back() { [ "$(revokectl -j pin show | grep -o '"state":"active"' | wc -l)" = 20 ]; }
ok "lost: and come back" wait_for 30 all_back
revokectl policy set reason writeback-sync grace 15000
tell B fsync 0
asked() { [ "$(revokectl -j request show)" != '[]' ]; }
ok "lost: O is asked" wait_for 10 asked
like "lost: O hears that it did not hear" "$(h O wait 0 resync $SOON)" 'ok resync *'
ok "lost: which was counted" grep -q '"events_dropped":[1-9]' <(revokectl -j stat show)
like "lost: and then what it did not" "$(h O wait 0 release-soon 0)" 'ok release-soon *skipped=0'
asked=$(h O requests 0)
like "lost: which is in the list, too" "$asked" 'ok *:writeback-sync:20:core-holder nr=1'
asked=${asked#ok }
is "lost: which O answers" "$(h O ack 0 "${asked%%:*}" 0 quiesced)" ok
between "lost: and fsync goes on" "$(value ms "$(hear B)")" 1 7000
stop O

# As many contexts as one process may have
too_many() {
	local n
	for ((n = 1; n < 64; n++)); do
		[ "$(h N listen $n)" = ok ] || return
	done
	h N listen 64
}
like "the 65th context of a process" "$(too_many)" 'error EUSERS the process has too many*'

stop A B N
nothing_left
done_testing
