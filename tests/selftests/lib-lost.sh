#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Nothing is lost: 10,000 requests, a receive buffer of 4 KiB, a reader that is
# stopped, or whose dispatcher is ended and started again while they come. The
# library finds each of them again by itself, before the kernel repeats it.
#
# Must never tell the holder what to look for.
. "${0%/*}/lib.sh"

# stat_of NAME - that counter
stat_of() { revokectl -j stat | grep -o "\"$1\":[0-9]*" | cut -d: -f2; }

# nothing_lost WHAT HOW COUNT - all are answered, though events were lost
nothing_lost() {
	local forced missed line start=$EPOCHREALTIME
	forced=$(stat_of forced) missed=$(stat_of missed)
	line=$(/pr/tests/lib-lost "$2" "$3" 2>&1)
	diag "$line, $(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms"
	is "$1: all are answered" "${line% resyncs=*}" "answered=$3 taken=0 lost=yes"
	is "$1: none is forced" "$(stat_of forced)" "$forced"
	is "$1: no deadline is missed" "$(stat_of missed)" "$missed"
}

ok "the core loads" load pin_revoke
nothing_lost "a stopped reader" stopped 10000
nothing_lost "a dispatcher that is restarted" running 10000
nothing_lost "a request behind the list" late 100
is "no request is left" "$(revokectl -j request show)" '[]'
is "no pin is left" "$(revokectl -j pin show)" '[]'
ok "the core unloads" wait_for 30 unload pin_revoke
ok "and loads again" load pin_revoke
nothing_lost "reloaded" stopped 100
ok "the core unloads at last" wait_for 30 unload pin_revoke
done_testing
