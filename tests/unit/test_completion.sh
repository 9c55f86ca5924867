#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Completion as bash does it, with the real revokectl's help and, for what only the
# kernel knows, a revokectl that answers as one with two pins would.
set -u
top=${BASH_SOURCE[0]%/*}/../..
PATH=$O/bin:$PATH
nr=0 failed=0
echo "TAP version 13"
# shellcheck source=/dev/null
. "$top/tools/completion/revokectl"

# completes NAME WANTED WORD... - the last word is the one at the cursor
completes() {
	local name=$1 wanted=$2 got
	shift 2
	COMP_WORDS=(revokectl "$@")
	COMP_CWORD=$#
	_revokectl
	got=${COMPREPLY[*]}
	nr=$((nr + 1))
	if [ "$got" = "$wanted" ]; then
		echo "ok $nr - completion: $name"
	else
		echo "not ok $nr - completion: $name"
		echo "# got '$got', wanted '$wanted'"
		failed=$((failed + 1))
	fi
}

completes "objects" "pin policy" p
completes "all objects" "pin holder request policy stat orphan monitor top check export help" ""
completes "options" "-j -p -d -o -n -b -V" -
completes "objects after options" "holder help" -j h
completes "commands" "show set" policy s
completes "all commands" "show revoke drain help" -jp pin ""
completes "words of a filter" "offset overlap" pin show o
completes "what only requests have" "overlap overdue" holder show ov
completes "files" "$top/tools/Makefile" pin show file "$top/tools/Makef"
completes "files of -b" "$top/tools/Makefile" -b "$top/tools/Makef"
completes "files of check" "$top/tools/Makefile" check "$top/tools/Makef"
completes "files of export" "$top/tools/Makefile" export prometheus -o "$top/tools/Makef"
completes "directories" "$top/tools" policy set cgroup "$top/too"
completes "actions" "skip" policy set reason admin action s
completes "words of a policy" "reason repeat" policy set uid 5 re
completes "numbers that nobody knows" "" policy set uid ""
completes "a drain's command" "--" pin drain 3 --
completes "top" "interval" top i
completes "monitor" "--journal" monitor ""
completes "orphans" "show" orphan s
completes "of which" "offset overlap" orphan show o

revokectl() {
	case "$*" in
	"-j pin show") echo '[{"id":12,"pid":7,"name":"\"id\":5"},{"id":3,"pid":8}]' ;;
	"-j holder show") echo '[{"comm":"a","pid":7},{"comm":"b","pid":8}]' ;;
	"policy show") printf '%s\n' 'admin grace 5 ms' 'truncate grace 1 ms' 'admin uid 5: grace 3 ms' ;;
	esac
}
completes "pins" "12" pin show 1
completes "pins to revoke" "3" pin revoke 3
completes "pins of a policy" "3 12" policy show pin ""
completes "processes" "7 8" pin drain pid ""
completes "reasons" "admin truncate" policy del reason ""
echo "1..$nr"
[ $failed -eq 0 ]
