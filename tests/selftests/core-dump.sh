#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Lists of 100,000 pins (10,000 on kernels but the newest): nothing is missing, nothing comes twice, whatever comes and
# goes meanwhile; who reads hears of that, unless it is no business of his. Filters
# let the right ones through, and wrong ones are refused with their place.
#
# Must never take the library's word for what the kernel has sent.
. "${0%/*}/lib.sh"

# TCG makes them in 20 s where others want the processors, too.
PINS=100000
[ "$KERNEL" = newest ] || PINS=10000

ok "the core loads" load pin_revoke max_declared=$((PINS + 100))
said=$(/pr/tests/core-dump $PINS 2>&1)
diag "$said"
# said NAME - what it printed of that
said() { sed -n "s/^$1: //p" <<< "$said"; }
is "quiet: all of them, and no change" "$(said quiet)" "pins=$PINS stayed=$PINS changed=0"
ok "busy: those that stayed, and a change" grep -qx "pins=[0-9]* stayed=$PINS changed=1" <(said busy)
is "busy: what others do is no change of mine" "$(said own)" "pins=3 stayed=3 changed=0"
is "busy: the library has those that stayed" "$(said library)" "ok stayed=$PINS"
is "filter: pid" "$(said "by pid")" pins=3
is "filter: uid" "$(said "by uid")" pins=3
is "filter: device" "$(said "by device")" pins=3
is "filter: context" "$(said "by context")" pins=1
is "filter: a driver that is none" "$(said "by driver")" pins=0
is "filter: device and pid" "$(said "by both")" pins=2
is "filter: id" "$(said "by id")" pins=1
# Behind the netlink header and the family's own
is "wrong: pid 0" "$(said "pid 0")" "ERANGE at 20"
is "wrong: no uid" "$(said "uid -1")" "ERANGE at 20"
is "wrong: a driver that is too long" "$(said "a long driver")" "EINVAL at 20"
is "wrong: what is no filter" "$(said "a state")" "EINVAL at 28"
is "undeclared: none is left but one" "$(said undeclared)" "pins=1 stayed=0 changed=0"
ok "the core unloads" wait_for 30 unload pin_revoke
done_testing
