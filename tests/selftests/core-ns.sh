#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
#
# A container: user, network, mount, pid and time namespaces of its own, made by
# nobody. Who is in it sees and answers what is his own, in his own time, and no more;
# nor does its root with CAP_NET_ADMIN, which network plugins and VPNs have.
#
# Must never refuse what root outside could not do either.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
AHEAD=1000000	# what its CLOCK_MONOTONIC is ahead, s
PATH=$PATH:/pr/tests
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
contained=("${nobody[@]}" unshare -Urnmpf -T --monotonic "$AHEAD")
netadmin=("${nobody[@]}" unshare -Urnmpf setpriv --bounding-set "-all,+net_admin")

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
chmod 666 /dev/pin_dummy "$SCRATCH/file"
chmod 755 "$SCRATCH"
start A
start B
start C "${contained[@]}"
is "B has the file" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
outside=$(last_pin)
is "C maps it in its container" "$(h C map 0 "$SCRATCH/file" 65536 shared)" ok
is "C listens" "$(h C listen 0)" ok
is "C sees no pin" "$(h C pins 0)" 'ok nr=0'
like "C pins it" "$(h C pin 0 0+0 65536 w)" 'ok fd=*'
inside=$(last_pin)
is "C sees its own" "$(h C pins 0)" "ok $inside:active nr=1"
is "A, who is root, sees both" "$(h A pins 0)" "ok $outside:active $inside:active nr=2"

# Its root
is "CAP_NET_ADMIN is all there is" "$("${netadmin[@]}" sed -n 's/^CapEff:[^0-9]*//p' /proc/self/status)" 0000000000001000
for who in contained netadmin; do
	declare -n as=$who
	like "$who: does not revoke" "$("${as[@]}" core-nl revoke pin="$outside")" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who: nor in there" "$("${as[@]}" core-nl revoke pin="$inside")" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who: does not drain" "$("${as[@]}" core-nl drain pin="$outside")" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who: sets no policy" "$("${as[@]}" core-nl policy-set reason=1 grace-ms=1)" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who: forgets none" "$("${as[@]}" core-nl policy-del reason=1)" 'error EPERM needs CAP_SYS_ADMIN*'
	like "$who: does not get a pin" "$("${as[@]}" core-nl pin-get id="$outside")" 'error EPERM the pin belongs*'
	is "$who: lists none" "$("${as[@]}" revokectl -j pin show 2>/dev/null)" '[]'
done
# With CAP_SYS_ADMIN in there one may, and hears nothing: events are for the first
# network namespace.
refused "netadmin: does not monitor" 'as root' "${netadmin[@]}" revokectl monitor
is "root outside could drain" "$(core-nl drain pin=4711)" 'error ENOENT no such pin'
like "root outside could forget a policy" "$(core-nl policy-del reason=1)" 'error ENOENT ?*'
is "all that did nothing" "$(h A pins 0)" "ok $outside:active $inside:active nr=2"

# A request for both
revokectl policy set reason writeback-sync grace 15000
tell B fsync 0
asked=$(h C wait 0 release-soon $SOON)
like "C is asked" "$asked" '*reason=writeback-sync *'
request=$(value request "$asked")
like "C sees its part of the request" "$(h C requests 0)" "ok $request:writeback-sync:1:- nr=1"
like "root sees all of it" "$(h A requests 0)" "ok $request:writeback-sync:2:core-holder nr=1"
line=$(h C time 0)
ok "C has a time of its own" [ "$(value now "$line")" -ge $AHEAD ]
ok "in which its deadline is" [ "$(value off "$line")" -le 2 ]
ok "not before" [ "$(value off "$line")" -ge 0 ]
ok "A has another" [ "$(value now "$(h A time 0)")" -lt $AHEAD ]
like "C does not answer for A" "$(h C ack 0 "$request" "$outside" quiesced)" 'error ENOENT ?*'
is "C answers for itself" "$(h C ack 0 "$request" 0 quiesced)" ok
like "which is not for A" "$(h A requests 0)" "ok $request:writeback-sync:1:core-holder nr=1"
is "A answers" "$(h A ack 0 "$request" 0 quiesced)" ok
like "and fsync goes on" "$(hear B)" 'ok ms=*'
stop A B C
nothing_left
done_testing
