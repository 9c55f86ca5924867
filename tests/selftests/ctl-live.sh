#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# What revokectl shows while it happens: top on a terminal of 80 columns that
# changes its size (tmux is that terminal), how long a revocation still has, monitor into a
# journal (journald), and while the module is exchanged.
#
# Must never judge a screen by its first frame: it waits for what it asserts.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

# row NUMBER - of the terminal, as it looks now
row() { tmux capture-pane -p | sed -n "$1p"; }
row_is() { row "$1" | grep -qE -- "$2"; }
screen_has() { tmux capture-pane -p | grep -qE -- "$1"; }
keys() { tmux send-keys "$@"; }
terminal() { [ "$(tmux display-message -p '#{alternate_on} #{cursor_flag}')" = "$1" ]; }
# sees DESCRIPTION CMD... - sooner or later; if not, what is there
sees() {
	local what=$1
	shift
	if wait_for 20 "$@"; then
		pass "$what"
	else
		fail "$what"
		diag "$(tmux capture-pane -p)"
	fi
}

ok "ext4 on the data disk" scratch ext4
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
start A
start B
is "A maps a file" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "B has it, too" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
is "A listens" "$(h A listen 0)" ok
pin=$(last_pin)

# Only what happens to the terminal draws the second screen: the first is for long.
ok "top: a terminal" tmux -f /dev/null new-session -d -x 80 -y 24 'PS1=ready: exec bash --norc'
sees "top: a shell" screen_has '^ready:'
keys 'revokectl top interval 1000' Enter
sees "top: a holder" row_is 6 "^ +${holder_pid[A]} core-holder +1 +64\.0KiB +0 +0 +0$"
sees "top: its own screen, without a cursor" terminal '1 0'
for at in '1 ^1 pins of 1 processes, 64\.0KiB pinned; 0 requests open' \
	'2 ^since loaded: ' '3 ^answers: none' '4 ^$' '5 ^ +PID COMMAND +PINS +PINNED' \
	'7 ^$' '8 ^ REQUEST REASON'; do
	ok "top: row ${at%% *}" row_is "${at%% *}" "${at#* }"
done
grace 15000
is "top: A writes" "$(h A touch 0+0 65536 17)" ok
tell B fsync 0
request=$(value request "$(h A wait 0 release-soon 10000)")
ok "top: narrower" tmux resize-window -x 40 -y 24
sees "top: the request, and the time left" row_is 9 "^ +$request writeback-sync +[0-9.]+ s"
is "top: cut off at the last column" "$(row 1)" "1 pins of 1 processes, 64.0KiB pinned; 1"
ok "top: and nothing runs over" row_is 3 '^answers: none'
ok "top: less high" tmux resize-window -x 100 -y 6
sees "top: wider again" row_is 1 '1 requests open, 0 past their deadline$'
sees "top: the last row stays empty" row_is 6 '^$'
ok "top: above it what fits" row_is 5 '^ +PID COMMAND'
is "top: A answers" "$(h A ack 0 "$request" 0 quiesced)" ok
like "top: B goes on" "$(hear B)" 'ok ms=*'
ok "top: another size" tmux resize-window -x 80 -y 24
sees "top: how long that took" row_is 4 '^answers: half within [0-9.]+ ms, 99 of 100 within [0-9.]+ ms \(the last 1\)$'
keys q
sees "top: the screen of before, and a cursor" terminal '0 1'
keys 'expr 6 \* 7' Enter
sees "top: what is typed is seen" screen_has '^ready:expr 6'
sees "top: and done" screen_has '^42$'
keys "clear; revokectl pin revoke $pin grace 15000 wait; echo status \$?" Enter
sees "progress: whom it waits for, and how long" \
	screen_has "^request [0-9]+: 1 pins left \(core-holder/${holder_pid[A]}\), [0-9.]+ s$"
request=$(value request "$(h A wait 0 release-soon 10000)")
is "progress: A answers" "$(h A ack 0 "$request" 0 quiesced)" ok
sees "progress: it ends well" screen_has '^status 0$'
ok "progress: and leaves no line" eval '! screen_has "pins left"'
ok "progress: the pin is back" wait_for 20 state_like A 0 'ok live=1 *'
tmux kill-server

entries() { journalctl -q -o json SYSLOG_IDENTIFIER=revokectl "$@"; }
has_entry() { entries "$@" | grep -q .; }
ended() { ! kill -0 "$1"; }
tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
mkdir -p /run/systemd/journald.conf.d
# The kernel's log is the harness's.
printf '%s\n' '[Journal]' Storage=volatile ReadKMsg=no Audit=no > /run/systemd/journald.conf.d/test.conf
refused "journal: there is none" 'is systemd-journald there' revokectl monitor --journal
/usr/lib/systemd/systemd-journald 2> /dev/null &
journald=$!
ok "journal: there is one" wait_for 20 test -S /run/systemd/journal/socket
# with what pin-revoke-journal.service leaves it
setpriv --no-new-privs --bounding-set=-all,+sys_admin --inh-caps=-all \
	revokectl monitor --journal 2> /run/monitor.err &
monitor=$!
ok "journal: the monitor listens" wait_for 20 has_entry PIN_REVOKE_EVENT=listening
ok "journal: a pin is taken" revokectl pin revoke "$pin" grace 0
ok "journal: it is there, by its fields" wait_for 20 has_entry PIN_REVOKE_EVENT=revoked \
	PIN_REVOKE_REASON=admin PIN_REVOKE_FLAGS=forced PIN_REVOKE_PIN_ID="$pin"
is "journal: and what is in them" "$(entries PIN_REVOKE_EVENT=revoked PIN_REVOKE_REASON=admin | python3 -c '
import json, sys
e = json.loads(sys.stdin.readline())
print(e["PRIORITY"], e["PIN_REVOKE_PIN_PID"], e["PIN_REVOKE_PIN_DRIVER"],
      e["PIN_REVOKE_PIN_LEN_BYTES"], e["PIN_REVOKE_PIN_FLAGS"], e["MESSAGE"].split()[:3])')" \
	"5 ${holder_pid[A]} pin_dummy 65536 ['write', 'file'] ['REVOKED', 'admin', 'forced']"
kill $journald
wait $journald
revokectl pin revoke "$pin" grace 0 > /run/revoke.out 2>&1
ok "journal: the monitor ends with it" wait_for 20 ended $monitor
wait $monitor
is "journal: as a failure" $? 2
ok "journal: that says so" grep -q '^revokectl: monitor: its output' /run/monitor.err
stop A B
# It would have their pipes, too.
revokectl -j monitor > /run/monitor.out 2>&1 &
monitor=$!
said() { grep -q "\"event\":\"$1\"" /run/monitor.out; }
listens() { [ "$(grep -c '"event":"listening"' /run/monitor.out)" = "$1" ]; }
ok "monitor: listens" wait_for 20 listens 1
nothing_left
ok "monitor: says that the module is gone" wait_for 20 said unloaded
ok "core and driver, anew" modules
ok "monitor: listens again" wait_for 20 listens 2
ok "the file system, too" mount "$DATA" "$SCRATCH"
start A
is "A maps the file again" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
like "A pins it again" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
ok "that is taken" revokectl pin revoke "$(last_pin)" grace 0
ok "monitor: says so" wait_for 20 said revoked
kill $monitor
stop A
nothing_left
done_testing
