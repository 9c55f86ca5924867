#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The kernel's own ynl command speaks the family from our specification alone:
# it asks, lists, answers and subscribes.
#
# Must never use a word that the specification has not.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
# Unbuffered: what it hears is waited for.
ynl=(python3 -u /pr/ynl/cli.py --spec /pr/pin-revoke.yaml --no-schema --output-json)
ynl() { "${ynl[@]}" "$@"; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
start A
is "A maps a file" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
id=$(last_pin)

events=$(mktemp)
# No function: who is killed has A's pipe, too.
"${ynl[@]}" --subscribe monitor --duration $((120 * ${VM_SLOW:-1})) > "$events" 2>&1 &
monitor=$!

like "do: a pin" "$(ynl --do pin-get --json "{\"id\": $id}" 2>&1)" "*\"id\": $id*\"state\": \"active\"*\"flags\": \[*\"write\"*"
like "dump: pins" "$(ynl --dump pin-get 2>&1)" "\[*\"id\": $id,*\"driver\": \"pin_dummy\"*\]"
like "dump: those of a process" "$(ynl --dump pin-get --json "{\"pid\": ${holder_pid[A]}}" 2>&1)" "\[*\"id\": $id,*\]"
is "dump: those of another one" "$(ynl --dump pin-get --json "{\"pid\": $$}" 2>&1)" '[]'
like "dump: a filter that means nothing" "$(ynl --dump pin-get --json '{"pid": 0}' 2>&1)" '*ut of range*'
like "dump: policies" "$(ynl --dump policy-get 2>&1)" '*"reason": "writeback-sync", "action": "wait", *"grace-ms": 1000,*'
like "an error has its text" "$(ynl --do pin-get --json '{"id": 4711}' 2>&1)" '*no such pin*'
like "so has a policy that is refused" "$(ynl --do policy-set --json '{"reason": "writeback-sync", "skip-ms": 1}' 2>&1)" '*nvalid argument*'
ok "do: policy-set" ynl --do policy-set --json '{"reason": "admin", "grace-ms": 15000}'
# asks - for what holders are asked about files: sync, background, truncate,
# fallocate, remap; and by administrators
asks() { echo $(($(ynl --do features-get --json '{}' | grep -o '"asks": [0-9]*' | cut -d ' ' -f 2) & 0x786)); }
is "do: features-get" "$(asks)" $((0x786))
like "do: stat-get" "$(ynl --do stat-get --json '{}' 2>&1)" '*"pins": 1*'
like "do: revoke" "$(ynl --do revoke --json "{\"pin\": $id}" 2>&1)" '*"request": *'
asked=$(h A wait 0 release-soon $SOON)
like "A is asked" "$asked" 'ok release-soon *reason=admin *'
like "dump: requests" "$(ynl --dump request-get 2>&1)" "*\"reason\": \"admin\"*\"pin\": \[*\"id\": $id*"
like "dump: those of a context that is none" "$(ynl --dump request-get --json '{"ctx": 4711}' 2>&1)" '\[\]'
is "A answers" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
for event in release-soon acked revoked restored; do
	ok "subscribe: $event" wait_for 60 grep -q "\"name\": \"$event\"" "$events"
done
kill "$monitor"
diag "$(cat "$events")"
stop A
rm "$events"
nothing_left
ok "wrapping nothing" load pin_revoke ask=0
is "features: it asks for administrators only" "$(asks)" $((0x80))
ok "which ends" unload pin_revoke
ok "wrapping what it may" load pin_revoke
ok "and asking nobody" sysctl -q vm.pin_revoke_enable=0
is "features: administrators only, again" "$(asks)" $((0x80))
ok "and ends" unload pin_revoke
done_testing
