#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# The programs that readers copy: lib/examples, each with a device that writes to
# a file while somebody syncs it; and those in the man pages.
#
# Must never lead them: they get a file, and nothing else.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
grace 15000
out=$(mktemp)
said() { [ "$(grep -c "^$1" "$out")" -ge "${2:-1}" ]; }
ended() { ! readlink "/proc/$pid/exe"; }
pin_value() { revokectl -j pin show | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }

for example in wait epoll dispatcher; do
	new_file $example 16 || bail "no file in one piece"
	"/pr/lib/examples/$example" "$SCRATCH/$example" > "$out" 2>&1 &
	pid=$!
	ok "$example: works" wait_for 10 said 'at work'
	start B
	is "$example: somebody has its file" "$(h B map 0 "$SCRATCH/$example" 65536 shared)" ok
	between "$example: its fsync is answered" "$(value ms "$(h B fsync 0)")" 0 7000
	ok "$example: it was asked" said 'release-soon writeback-sync'
	is "$example: and what the device had written is on the disk" "$(raw 0 16)" 90
	ok "$example: it goes on" wait_for 10 said restored
	# A sync that began while the pin was away may clean it when it has just come
	# back, for a slow disk: see pinr_restore_when(). Not all can be such.
	ok "$example: by consent" test "$(pin_value revoked)" -gt "$(pin_value forced)"
	like "$example: somebody cuts its file" "$(h B truncate 0 0)" 'ok *'
	ok "$example: it hears of it and ends" wait_for 20 ended
	wait "$pid"
	is "$example: well" $? 0
	diag "$(sort "$out" | uniq -c)"
	stop B
done

for page in /pr/tests/man-*; do
	ok "man page ${page#*man-}: its example" "$page"
done
rm "$out"
nothing_left
done_testing
