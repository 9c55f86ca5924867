#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# Files of policies: what revokectl -n refuses is what the kernel refuses, for
# every reason; a file with a bad line changes nothing; where a value comes from.
#
# Must never compare texts: only who says no.
. "${0%/*}/lib.sh"

DIR=/etc/pin-revoke/policy.d
REASONS='writeback-sync writeback-background writeback-other invalidate unmap exit admin
	truncate fallocate remap offline drain suspend pressure driver-unbind device'
SETTINGS=('action force' 'action ask' 'action report' 'action wait' 'action skip'
	'grace 5' 'grace 0' 'skip 5' 'max-extend 5' 'repeat 5' 'repeat 50' 'repeat 0'
	'action wait grace 0' 'action ask grace 0' 'action skip skip 0' 'action ask skip 0'
	'action force grace 1' 'action force max-extend 1' 'action force max-extend 0'
	'action report repeat 9' 'uid 5 repeat 20' 'comm a repeat 20'
	'comm a action force' 'uid 5 comm a grace 5' 'uid 4294967295 grace 5'
	'cgroup 1 uid 5 action force')

# agree REASON - about every setting for it
agree() {
	local setting tool kernel both=0
	for setting in "${SETTINGS[@]}"; do
		# shellcheck disable=SC2086 # words
		revokectl -n policy set reason "$1" $setting 2> /dev/null
		tool=$?
		# shellcheck disable=SC2086
		revokectl policy set reason "$1" $setting 2> /dev/null
		kernel=$?
		case $tool,$kernel in
		0,0) both=$((both | 1)) ;;
		1,2) both=$((both | 2)) ;;
		*) echo "reason $1 $setting: -n $tool, the kernel $kernel"; return 1 ;;
		esac
	done
	# A reason that nobody is asked for takes nothing; the others do.
	case $1 in
	writeback-other|invalidate|unmap|exit) [ $both = 2 ] ;;
	*) [ $both = 3 ] ;;
	esac
}

of() { revokectl policy show | sed -n "s/^$1  *//p"; }

ok "the core" load pin_revoke
for reason in $REASONS; do
	ok "the tool and the kernel agree: $reason" agree "$reason"
done
is "these are all reasons" "$(revokectl -j policy show | grep -o '"reason":"[^"]*' | sort -u | wc -l)" 12
ok "the core, anew" eval 'unload pin_revoke && load pin_revoke'

mkdir -p $DIR
echo 'policy set reason admin grace 111' > $DIR/10-first.conf
echo 'policy set reason truncate grace 222 # the second' > $DIR/20-second.conf
echo 'policy set reason admin skip 5' > $DIR/90-bad.conf
refused "a bad line" '90-bad.conf:1: this line; nothing was done' revokectl -b $DIR
is "and nothing was done" "$(of admin)" "grace 1000 ms max-extend 5000 ms action wait"
rm $DIR/90-bad.conf
ok "a dry run" revokectl -n -b $DIR
is "changes nothing" "$(of admin)" "grace 1000 ms max-extend 5000 ms action wait"
ok "all files" revokectl -b $DIR
is "the first, and where it is said" "$(of admin)" \
	"grace 111 ms (10-first.conf:1) max-extend 5000 ms action wait"
is "the second" "$(of truncate)" \
	"grace 222 ms (20-second.conf:1) max-extend 1000 ms action wait"
ok "by hand" revokectl policy set reason truncate grace 223
is "that is no file's" "$(of truncate)" "grace 223 ms (set) max-extend 1000 ms action wait"
refused "nobody may" '10-first.conf:1: this line; 0 before it were done, 1 after it not' \
	setpriv --reuid 65534 --clear-groups revokectl -b $DIR
rm -r /etc/pin-revoke
ok "the core unloads" unload pin_revoke
done_testing
